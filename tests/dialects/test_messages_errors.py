"""Errors are told in Anthropic's envelope, with the type that its clients know."""

from typing import Any, get_args

import pytest
from anthropic.types.shared.error_type import ErrorType  # noqa: TID253  what the official client knows

from router.dialects.messages_errors import envelope, kind_for, kind_of


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
        (599, "api_error"),
    ],
)
def test_a_status_has_its_type(status: int, kind: str) -> None:
    assert kind_for(status) == kind
    assert kind in {*get_args(ErrorType), "request_too_large"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "stream_broken", "type": "upstream_error"}, "api_error"),
        ({"code": "internal_error", "type": "server_error"}, "api_error"),
        ({"code": "deadline_exceeded", "type": "upstream_error"}, "timeout_error"),
        ({"code": "unavailable", "type": "server_error"}, "overloaded_error"),
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, "invalid_request_error"),
        ({"code": None, "type": "rate_limit_error"}, "rate_limit_error"),
        ({"code": ["odd"], "type": ["odd"]}, "api_error"),
        ({}, "api_error"),
    ],
)
def test_an_error_without_a_status_has_one_too(error: dict[str, Any], kind: str) -> None:
    assert kind_of(error) == kind


def test_the_envelope_names_the_request_where_it_is_known() -> None:
    told = {"message": "no", "type": "t", "param": None, "code": "c"}
    assert envelope("api_error", told, "req_1") == {
        "type": "error",
        "error": {"type": "api_error", "message": "no", "details": {"error_code": "c"}},
        "request_id": "req_1",
    }
    assert "request_id" not in envelope("api_error", told)
    assert "details" not in envelope("api_error", {**told, "code": None})["error"]


@pytest.mark.parametrize(
    "error",
    [
        {"message": "too many tokens", "code": "context_length_exceeded"},
        {"message": "too many tokens", "type": "exceed_context_size_error", "code": 400},
        {"message": "This model's maximum context length is 4096 tokens.", "code": 400},
        {"message": "prompt is too long: 5 tokens > 4 maximum", "code": "context_length_exceeded"},
    ],
)
def test_a_prompt_that_does_not_fit_is_told_in_the_words_that_clients_look_for(error: dict[str, Any]) -> None:
    told = envelope("invalid_request_error", error)["error"]["message"]
    assert told.startswith("prompt is too long: ")
    assert told.count("prompt is too long") == 1
    assert told.endswith(error["message"])


@pytest.mark.parametrize("message", [None, "", 7, {"odd": 1}])
def test_an_upstream_that_does_not_say_why(message: object) -> None:
    assert envelope("api_error", {"message": message})["error"]["message"] == (
        "the upstream failed, and did not say why"
    )

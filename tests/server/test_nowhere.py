"""What a client is told whose path is none of ours."""

import pytest

from router.server.nowhere import meant, nothing_at

KNOWN = {"/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models"}


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/v1/v1/models", "/v1/models"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/v1/images", None),
        ("/v1/threads/one/messages", None),
        ("/v1/chat/completions/", None),
        ("/", None),
    ],
)
def test_what_was_meant_is_known_by_what_is_there(path: str, right: str | None) -> None:
    assert meant(path, KNOWN.__contains__) == right


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (
            "/v1/v1/messages",
            "/v1/messages: base_url should not end in /v1, which Anthropic's clients add by themselves",
        ),
        ("/messages", "/v1/messages: base_url should be without a path, and Anthropic's clients add /v1"),
        ("/v1/v1/chat/completions", "/v1/chat/completions: base_url should end in one /v1"),
        ("/chat/completions", "/v1/chat/completions: base_url should end in /v1"),
    ],
)
def test_a_wrong_base_url_is_told_with_the_right_one(path: str, what: str) -> None:
    told = nothing_at("POST", path, meant(path, KNOWN.__contains__))
    assert (told.message, told.code) == (f"Invalid URL (POST {path}); here it is {what}", "unknown_url")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("GET /v1/responses/resp_1", "response_not_found"),
        ("DELETE /v1/responses/resp_1", "response_not_found"),
        ("POST /v1/responses/resp_1/cancel", "response_not_found"),
        ("GET /v1/responses/resp_1/input_items", "response_not_found"),
        ("POST /v1/responses/resp_1", "unknown_url"),
        ("GET /v1/responses/resp_1/cancel", "unknown_url"),
        ("POST /v1/images/generations", "unknown_url"),
    ],
)
def test_responses_of_the_past_are_told_to_be_forgotten(asked: str, code: str) -> None:
    method, path = asked.split()
    told = nothing_at(method, path, None)
    assert (told.status, told.code, told.param) == (404, code, None)
    assert ("forgets" in told.message) == (code == "response_not_found")

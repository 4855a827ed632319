"""What LiteLLM raises, told by the names of its classes; no LiteLLM is needed to tell."""

from typing import Any

import orjson
import pytest

from router.upstream.client import TransportError
from router.upstream.provider_answers import Answer
from router.upstream.provider_errors import answer_to, refusal


class APIConnectionError(Exception):
    """LiteLLM's name for whatever else went wrong."""


class ContextWindowExceededError(Exception):
    """LiteLLM's name for a prompt that is too long."""

    status_code = 400


class ServiceUnavailableError(Exception):
    """LiteLLM's name for a provider that is overloaded."""

    status_code = 503


def told(answer: Answer) -> dict[str, Any]:
    error: dict[str, Any] = orjson.loads(answer.content)["error"]
    return error


def test_a_status_that_litellm_knows_is_the_answer_s() -> None:
    answer = answer_to(ServiceUnavailableError("litellm.ServiceUnavailableError: AnthropicException - busy"))

    assert (answer.status, told(answer)["type"]) == (503, "upstream_error")
    assert told(answer)["message"] == "busy"


def test_a_prompt_that_is_too_long_has_openai_s_code() -> None:
    answer = answer_to(ContextWindowExceededError("too long"))

    assert (answer.status, told(answer)["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError("late"), "timeout"),
        (ConnectionError("gone"), "reset"),
        (APIConnectionError("what?"), "malformed"),
        (ValueError("no status"), "malformed"),
    ],
)
def test_without_a_status_there_was_no_answer(error: Exception, kind: str) -> None:
    with pytest.raises(TransportError) as caught:
        answer_to(error)

    assert caught.value.kind == kind


def test_what_went_wrong_first_is_what_counts() -> None:
    outer = APIConnectionError("wrapped")
    outer.__cause__ = TimeoutError("late")

    with pytest.raises(TransportError) as caught:
        answer_to(outer)

    assert caught.value.kind == "timeout"


def test_a_refusal_is_openai_s_envelope_whatever_is_missing() -> None:
    assert told(refusal(422, {"message": "no"})) == {
        "message": "no", "type": "invalid_request_error", "param": None, "code": None,
    }  # fmt: skip

"""What a client is told when something is wrong."""

import orjson
import pytest

from router import errors
from router.errors import BadRequest, Problem, Relayed, StreamBroken, TooLarge, names


def test_an_error_is_openais_envelope() -> None:
    told = orjson.loads(BadRequest("no such thing", param="model", code="model_not_found").body())

    assert told == {
        "error": {
            "message": "no such thing",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


def test_an_error_has_the_code_of_its_class_unless_it_says_otherwise() -> None:
    assert TooLarge("too large").code == "request_too_large"
    assert TooLarge("too large", code="other").code == "other"


def test_an_upstreams_own_error_is_handed_on_byte_for_byte() -> None:
    told = Relayed(429, b'{"error": {"message":"slow"} }', {"retry-after": "7"})

    assert (told.status, told.body(), told.headers) == (429, b'{"error": {"message":"slow"} }', {"retry-after": "7"})


def test_a_broken_stream_ends_in_one_event_without_done() -> None:
    event = StreamBroken("it broke").event()

    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert b"[DONE]" not in event
    assert orjson.loads(event[6:])["error"]["code"] == "stream_broken"


@pytest.mark.parametrize(
    ("known", "told"),
    [([], "none"), (["a"], "'a'"), (["a", "b"], "'a' and 'b'"), (["a", "b", "c"], "'a', 'b' and 'c'")],
)
def test_names_are_joined_as_people_say_them(known: list[str], told: str) -> None:
    assert names(known) == told


def test_every_status_is_one_that_openais_clients_know() -> None:
    problems = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Problem)]

    assert {problem.status for problem in problems} <= {400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 502, 503, 504}

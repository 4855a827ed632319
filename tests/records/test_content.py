"""What was said is kept only as far as the policy says."""

from typing import Any

import orjson
import pytest

from router.chat import Choice, Completion
from router.records.content import shown, size_of, text, within
from tests.plans import asked

SAID = "I am jane@example.org, card 4111 1111 1111 1111"


def test_full_keeps_the_request_and_the_answer() -> None:
    answer = Completion((Choice("stop", "hello"),), None, None)

    kept = shown("full", asked(SAID, temperature=0.3, user="jane", stream=True), answer)

    assert kept["request"] == {"messages": [{"role": "user", "content": SAID}], "temperature": 0.3}
    assert kept["answer"][0]["content"] == "hello"


def test_redacted_keeps_no_address_card_or_account_anywhere() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "pay", "arguments": '{"to": "DE89370400440532013000"}'}}
    answer = Completion((Choice("tool_calls", "write to ann@example.org", tool_calls=(call,)),), None, None)
    tool = {"type": "function", "function": {"name": "pay", "description": "ask bob@example.org"}}

    kept = orjson.dumps(shown("redacted", asked(SAID, tools=[tool], metadata={"card": 4111111111111111}), answer))

    assert b"[email]" in kept
    assert b"[iban]" in kept
    assert not [one for one in (b"jane", b"ann@", b"bob@", b"4111", b"DE89") if one in kept]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR"}},
        {"type": "input_audio", "input_audio": {"data": "iVBOR", "format": "wav"}},
        {"type": "file", "file": {"file_data": "iVBOR"}},
    ],
)
def test_what_cannot_be_searched_is_not_kept(part: dict[str, Any]) -> None:
    request = asked()
    request.messages[0]["content"] = [{"type": "text", "text": "see"}, part]

    assert b"iVBOR" not in orjson.dumps(shown("redacted", request, None))
    assert b"iVBOR" in orjson.dumps(shown("full", request, None))


def test_what_is_nested_deeper_than_anybody_writes_is_not_kept() -> None:
    deep: Any = SAID
    for _ in range(200):
        deep = [deep]

    assert b"jane" not in orjson.dumps(shown("redacted", asked(extra=deep), None))


def test_a_correction_is_content() -> None:
    assert [text(mode, SAID) for mode in ("none", "full")] == [None, SAID]
    assert text("redacted", SAID) == "I am [email], card [card]"
    assert text("full", None) is None


def test_content_is_the_last_field_of_a_line() -> None:
    assert within(b'{"a":1}\n', {"b": 2}) == b'{"a":1,"content":{"b":2}}\n'


def test_its_size_is_known_without_looking_at_it() -> None:
    assert size_of(100, Completion((Choice("stop", "x" * 50),), None, None)) == 450
    assert size_of(100, None) == 400

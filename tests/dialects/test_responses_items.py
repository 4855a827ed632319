"""An item tells its events as it grows, and at any time what it is."""

from collections.abc import Mapping
from typing import Any

from router.dialects.responses_items import RAW, REFUSAL, TEXT, Call, Said


class Heard:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, event: str, fields: Mapping[str, Any]) -> None:
        self.events.append((event.removeprefix("response."), fields))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


def test_a_message_has_a_part_for_its_text_and_one_for_its_refusal() -> None:
    heard = Heard()
    said = Said(TEXT, "r", 0, heard)
    said.grow(TEXT, "he")
    said.grow(REFUSAL, "no")
    said.grow(TEXT, "y")
    said.close("completed")
    assert [(name, fields.get("content_index")) for name, fields in heard.events] == [
        ("output_item.added", None),
        ("content_part.added", 0),
        ("output_text.delta", 0),
        ("content_part.added", 1),
        ("refusal.delta", 1),
        ("output_text.delta", 0),
        ("output_text.done", 0),
        ("content_part.done", 0),
        ("refusal.done", 1),
        ("content_part.done", 1),
        ("output_item.done", None),
    ]
    assert [part["type"] for part in said.told("completed")["content"]] == ["output_text", "refusal"]


def test_what_was_told_does_not_grow_afterwards() -> None:
    heard = Heard()
    said = Said(TEXT, "r", 0, heard)
    said.grow(TEXT, "he", [{"token": "he"}])
    said.cite({"type": "url_citation"})
    before = said.told("in_progress")
    said.grow(TEXT, "y", [{"token": "y"}])
    said.cite({"type": "url_citation"})
    (part,) = before["content"]
    assert part == {
        "type": "output_text",
        "text": "he",
        "annotations": [{"type": "url_citation"}],
        "logprobs": [{"token": "he"}],
    }
    assert heard.names[-1] == "output_text.annotation.added"
    assert heard.events[-1][1]["annotation_index"] == 1


def test_reasoning_cites_nothing() -> None:
    heard = Heard()
    thought = Said(RAW, "r", 2, heard)
    thought.grow(RAW, "hm")
    thought.cite({"type": "url_citation"})
    assert thought.thought
    assert not thought.written
    assert heard.names == ["output_item.added", "content_part.added", "reasoning_text.delta"]
    assert thought.told("completed")["id"] == "rs_r_2"


def test_a_call_is_told_once_it_is_placed() -> None:
    heard = Heard()
    call = Call(heard)
    call.take({"id": "call_a", "function": {"name": "fin"}})
    call.take({"function": {"name": "d", "arguments": "{"}})
    assert heard.names == []
    call.place("call_a", "r", 3)
    call.tell(call.take({"function": {"arguments": "}"}}))
    call.close("completed")
    assert heard.names == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert heard.events[0][1]["item"] == {
        "id": "fc_r_3",
        "type": "function_call",
        "call_id": "call_a",
        "name": "find",
        "status": "in_progress",
        "arguments": "",
    }
    assert heard.events[3][1]["arguments"] == "{}"
    assert heard.events[3][1]["name"] == "find"


def test_another_s_part_has_an_id_and_a_name_of_its_own() -> None:
    call = Call(Heard())
    call.take({"id": "call_a", "function": {"name": "find", "arguments": "{}"}})
    assert call.precedes({"id": "call_b", "function": {"name": "find"}})
    assert not call.precedes({"id": "call_a", "function": {"name": "find"}})
    assert not call.precedes({"id": "call_b", "function": {"arguments": "x"}})
    assert not call.precedes({"function": {"name": "find"}})
    assert not call.precedes({"id": "call_b", "function": "odd"})

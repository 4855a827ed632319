"""A conversation of blocks says the same in a chat completion's messages, in an order that chat models take."""

from typing import Any

import pytest

from router.dialects.messages_content import conversation, instructions
from router.errors import BadRequest

TEXT = {"type": "text", "text": "hello"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAA"}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAA"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"id": 7}}


def user(*blocks: Any) -> list[dict[str, Any]]:
    return conversation([{"role": "user", "content": [*blocks]}])


def assistant(*blocks: Any) -> dict[str, Any]:
    (said,) = conversation([{"role": "assistant", "content": [*blocks]}])
    return said


def result(content: Any = None, number: int = 1, **fields: Any) -> dict[str, Any]:
    given = {} if content is None else {"content": content}
    return {"type": "tool_result", "tool_use_id": f"toolu_{number}", **given, **fields}


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


# ---------------------------------------------------------------------------------------------------------- who says it


def test_texts_are_said_as_they_are() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    assert conversation(turns) == turns


def test_what_the_assistant_is_to_go_on_from_stays_last() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "text", "text": "{"}]}]
    assert conversation(turns)[-1] == {"role": "assistant", "content": "{"}


def test_instructions_in_the_middle_stay_there() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "system", "content": [TEXT, TEXT]}]
    assert conversation(turns)[-1] == {"role": "system", "content": "hello\nhello"}
    assert conversation([{"role": "system", "content": "Be kind."}]) == [{"role": "system", "content": "Be kind."}]


def test_a_system_prompt_in_blocks_is_one_text() -> None:
    marked = {**TEXT, "cache_control": {"type": "ephemeral"}}
    assert instructions([marked, {"type": "text", "text": "Be kind."}]) == "hello\nBe kind."
    assert instructions("hello") == "hello"
    assert instructions([]) == ""


def test_what_is_for_anthropic_s_books_is_no_instruction() -> None:
    line = "x-anthropic-billing-header: cc_version=2; cch=1;"
    assert instructions([{"type": "text", "text": line}, TEXT]) == "hello"
    assert instructions([{"type": "text", "text": f"{line}\nBe kind."}, TEXT]) == "Be kind.\nhello"
    assert instructions(f"{line}\nBe kind.") == "Be kind."
    assert instructions(f"Do not say {line}") == f"Do not say {line}"


# ------------------------------------------------------------------------------------------------------------ of a user


def test_one_text_is_a_string_and_several_are_parts() -> None:
    assert user(TEXT) == [{"role": "user", "content": "hello"}]
    assert user(TEXT, TEXT)[0]["content"] == [TEXT, TEXT]


def test_what_is_marked_for_a_prompt_cache_is_said_without_the_mark() -> None:
    assert user({**TEXT, "cache_control": {"type": "ephemeral"}}, IMAGE)[0]["content"] == [TEXT, SHOWN]


def test_an_image_alone_is_a_part() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert user(IMAGE)[0]["content"] == [SHOWN]
    assert user(url)[0]["content"] == [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]


def test_results_of_tools_follow_their_calls_whatever_was_said_before_them() -> None:
    said = conversation(
        [
            {"role": "assistant", "content": [CALL, {**CALL, "id": "toolu_2"}]},
            {"role": "user", "content": [TEXT, result("one"), result("two", 2), {"type": "text", "text": "so?"}]},
        ]
    )
    assert [each["role"] for each in said] == ["assistant", "tool", "tool", "user"]
    assert [each["tool_call_id"] for each in said[1:3]] == ["toolu_1", "toolu_2"]
    assert [part["text"] for part in said[3]["content"]] == ["hello", "so?"]


def test_results_alone_bring_no_word_of_the_user() -> None:
    assert user(result("one")) == [{"role": "tool", "tool_call_id": "toolu_1", "content": "one"}]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (result(), ""),
        (result([]), ""),
        (result([TEXT, TEXT]), "hello\nhello"),
        (result("not there", is_error=True), "Error: not there"),
        (result(is_error=True), "Error"),
        (result("fine", is_error=False), "fine"),
        (result([document(type="text", media_type="text/plain", data="page")]), "page"),
    ],
)
def test_a_result_is_text(given: dict[str, Any], told: str) -> None:
    assert user(given)[0]["content"] == told


def test_images_in_results_are_shown_after_them_by_number() -> None:
    said = user(result([TEXT, IMAGE]), result([IMAGE], 2), {"type": "text", "text": "so?"})
    assert [each["content"] for each in said[:2]] == ["hello\n[image 1]", "[image 2]"]
    assert said[2]["content"] == [
        *({"type": "text", "text": "[image 1]"}, SHOWN),
        *({"type": "text", "text": "[image 2]"}, SHOWN),
        {"type": "text", "text": "so?"},
    ]


def test_a_document_of_text_is_text_with_its_title_in_front() -> None:
    plain = document(type="text", media_type="text/plain", data="It rains.")
    assert user(plain)[0]["content"] == "It rains."
    titled = {**plain, "title": "Weather", "context": "of today", "citations": {"enabled": False}}
    assert user(titled)[0]["content"] == "Weather\nof today\n\nIt rains."


def test_a_document_of_blocks_is_its_blocks() -> None:
    assert user(document(type="content", content="It rains."))[0]["content"] == "It rains."
    assert user(document(type="content", content=[TEXT, IMAGE]))[0]["content"] == [TEXT, SHOWN]
    titled = {**document(type="content", content=[TEXT]), "title": "Weather"}
    assert [part["text"] for part in user(titled)[0]["content"]] == ["Weather\n\n", "hello"]


def test_what_a_search_found_is_text() -> None:
    found = {"type": "search_result", "title": "Kettles", "source": "https://k", "content": [TEXT]}
    assert user(found)[0]["content"] == "Kettles\nhttps://k\n\nhello"


# ------------------------------------------------------------------------------------------------------ of an assistant


def test_calls_of_tools_stand_beside_what_was_said() -> None:
    assert assistant(TEXT, CALL) == {
        "role": "assistant",
        "content": "hello",
        "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "find", "arguments": '{"id":7}'}}],
    }
    assert assistant(CALL)["content"] is None


def test_thinking_that_comes_back_is_left_out() -> None:
    hidden = [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "redacted_thinking", "data": "y"}]
    assert assistant(*hidden, TEXT) == {"role": "assistant", "content": "hello"}
    assert assistant(*hidden) == {"role": "assistant", "content": ""}


def test_what_an_assistant_said_in_several_texts_is_one() -> None:
    assert assistant(TEXT, {"type": "text", "text": ", you"})["content"] == "hello, you"


# -------------------------------------------------------------------------------------------------------------- refused


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "content.0.source", "base64"),
    (document(type="base64", media_type="application/pdf", data="AAA"), "content.0.source", "plain text"),
    (document(type="url", url="https://example.com/a.pdf"), "content.0.source", "plain text"),
    (document(type="content", content=[document(type="text", data="x")]), "content.0.source.content.0", "holds text"),
    ({**document(type="text", data="x"), "citations": {"enabled": True}}, "content.0.citations", "do not cite"),
    ({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}, "content.0", "leave it out"),
    ({"type": "container_upload", "file_id": "f"}, "content.0", "as text or images"),
    ({"type": "new_in_2027"}, "content.0", "new_in_2027"),
    (CALL, "content.0", "assistant's message"),
    ({"type": "thinking", "thinking": "hm", "signature": ""}, "content.0", "assistant's message"),
    (result([result("x")]), "content.0.content.0", "as text or images"),
]


@pytest.mark.parametrize(("block", "where", "why"), REFUSED)
def test_what_a_chat_model_cannot_be_sent_is_refused_with_its_place(
    block: dict[str, Any], where: str, why: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        user(block)
    assert (caught.value.param, caught.value.code) == (f"messages.0.{where}", "unsupported_parameter")
    assert why in caught.value.message


@pytest.mark.parametrize("kind", ["server_tool_use", "image", "tool_result", "mcp_tool_use"])
def test_an_assistant_says_texts_and_calls_tools(kind: str) -> None:
    with pytest.raises(BadRequest, match="leave it out") as caught:
        assistant({"type": kind})
    assert caught.value.param == "messages.0.content.0"


def deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


WRONG: list[tuple[Any, str, str]] = [
    ([], "messages", "empty_array"),
    (["hi"], "messages.0", "invalid_type"),
    ([{"content": "hi"}], "messages.0.role", "missing_required_parameter"),
    ([{"role": "tool", "content": "hi"}], "messages.0.role", "unsupported_parameter"),
    ([{"role": "user"}], "messages.0.content", "missing_required_parameter"),
    ([{"role": "user", "content": 7}], "messages.0.content", "invalid_type"),
    ([{"role": "user", "content": []}], "messages.0.content", "empty_array"),
    ([{"role": "user", "content": ["hi"]}], "messages.0.content.0", "invalid_type"),
    ([{"role": "user", "content": [{}]}], "messages.0.content.0.type", "missing_required_parameter"),
    ([{"role": "user", "content": [{"type": "text"}]}], "messages.0.content.0.text", "missing_required_parameter"),
    ([{"role": "user", "content": [{"type": "image"}]}], "messages.0.content.0.source", "missing_required_parameter"),
    ([{"role": "user", "content": [result(7)]}], "messages.0.content.0.content", "invalid_type"),
    ([{"role": "system", "content": [IMAGE]}], "messages.0.content.0", "unsupported_parameter"),
    ([{"role": "assistant", "content": [{**CALL, "input": "{}"}]}], "messages.0.content.0.input", "invalid_type"),
    (
        [{"role": "assistant", "content": [{**CALL, "id": None}]}],
        "messages.0.content.0.id",
        "missing_required_parameter",
    ),
    (
        [{"role": "assistant", "content": [{**CALL, "input": deep(300)}]}],
        *("messages.0.content.0.input", "unsupported_parameter"),
    ),
]


@pytest.mark.parametrize(("messages", "where", "code"), WRONG)
def test_what_is_wrong_is_told_with_its_place(messages: Any, where: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        conversation(messages)
    assert (caught.value.param, caught.value.code) == (where, code)


@pytest.mark.parametrize("system", [7, ["hi"], [IMAGE], [{"type": "text"}]])
def test_a_system_prompt_is_text(system: Any) -> None:
    with pytest.raises(BadRequest):
        instructions(system)

"""Example turns in JSON Lines."""

import orjson
import pytest

from router.policy.examples import ExamplesError, read

CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}


def test_pairs_and_whole_conversations() -> None:
    asked, told, said = ({"role": role, "content": role[0]} for role in ("user", "tool", "assistant"))
    pair = b'\xef\xbb\xbf{"user": "2+2", "assistant": "4"}'
    content = b"\n\n".join([pair, orjson.dumps({"messages": [asked, CALL, told, said]})])

    assert read(content) == (
        {"role": "user", "content": "2+2"},
        {"role": "assistant", "content": "4"},
        *(asked, CALL, told, said),
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "has no examples"),
        ("user: hi", "line 1: not JSON"),
        ("[]", "line 1: neither"),
        ('{"user": "a"}', "line 1: neither"),
        ('{"user": "a", "assistant": 4}', "line 1: neither"),
        ('{"user": "a", "assistant": "b", "score": 1}', "line 1: neither"),
        ('{"messages": []}', "line 1: neither"),
        ('{"messages": [{"role": "system", "content": "a"}]}', "the rest belongs into `system`"),
        ('{"messages": ["a"]}', "a message is of user, assistant or tool"),
        ('{"messages": [{"role": "user"}, {"role": "assistant", "content": "b"}]}', "a message without content"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "begins with a user's message and ends with"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "begins with a user's message and ends with"),
    ],
)
def test_what_is_no_example_is_named_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(ExamplesError) as caught:
        read(line.encode())
    assert sentence in str(caught.value)

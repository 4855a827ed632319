"""What is wrong with a field is told with its place, in OpenAI's words."""

import pytest

from router.chat import wrong_type
from router.dialects.responses_fields import empty, missing, objects, string, unknown, unsupported
from router.errors import BadRequest


def test_every_fault_names_its_field_and_has_a_code() -> None:
    told = [
        missing("input"),
        empty("input", "an array with one"),
        wrong_type("input", "a string", 7),
        unknown("kind", "c", {"b", "a"}),
        unsupported("n", "no."),
        unsupported("n", "no.", value=True),
    ]
    assert [(one.message, one.param, one.code) for one in told] == [
        ("Missing required parameter: 'input'.", "input", "missing_required_parameter"),
        ("Invalid 'input': empty array. Expected an array with one.", "input", "empty_array"),
        ("Invalid type for 'input': expected a string, but got an integer instead.", "input", "invalid_type"),
        ("Invalid value: 'c'. Supported values of 'kind' are 'a' and 'b'.", "kind", "invalid_value"),
        ("no.", "n", "unsupported_parameter"),
        ("no.", "n", "unsupported_value"),
    ]


@pytest.mark.parametrize(("held", "code"), [({}, "missing_required_parameter"), ({"name": 7}, "invalid_type")])
def test_a_string_that_has_to_be_there(held: dict[str, object], code: str) -> None:
    assert string({"name": ""}, "name", "tool") == ""
    with pytest.raises(BadRequest) as refused:
        string(held, "name", "tool")
    assert (refused.value.param, refused.value.code) == ("tool.name", code)


@pytest.mark.parametrize(("value", "param"), [("x", "tools"), (None, "tools"), ([{}, None], "tools[1]")])
def test_an_array_of_objects(value: object, param: str) -> None:
    assert objects([{}], "tools") == [{}]
    with pytest.raises(BadRequest) as refused:
        objects(value, "tools")
    assert (refused.value.param, refused.value.code) == (param, "invalid_type")

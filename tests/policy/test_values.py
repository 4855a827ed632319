"""How single values are written and read."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from router.policy import values
from router.policy.values import Expanded

NOT_TEXT: list[object] = [None, True, 3, 1.5, [], {}, "", "  "]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30),
        ("15m", 900),
        ("1h", 3600),
        ("7d", 604_800),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (2, 2),
        (0.5, 0.5),
    ],
)
def test_durations(written: object, seconds: float) -> None:
    assert values.read_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    [
        "soon",
        "30",
        "30 s",
        "s",
        "-1s",
        "1w",
        "",
        0,
        -1,
        "0s",
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        "4000d",
        "٣s",
    ],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        values.read_duration(written)


@given(st.floats(0.001, values.LONGEST_SECONDS))
def test_a_number_of_seconds_is_itself(seconds: float) -> None:
    assert values.read_duration(seconds) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("64MiB", 67_108_864), ("512 KiB", 524_288), ("1GB", 10**9), ("10kB", 10_000), ("7B", 7), (1024, 1024)],
)
def test_sizes(written: object, size: int) -> None:
    assert values.read_size(written) == size


@pytest.mark.parametrize("written", ["64M", "64", "-1MiB", "1.5MiB", 0, -1, 1.5, True, None, [], "999999999999999GiB"])
def test_what_is_no_size(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="a size such as 64MiB"):
        values.read_size(written)


@pytest.mark.parametrize("written", NOT_TEXT)
def test_what_is_no_text(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="must be text"):
        values.read_text(written)


@pytest.mark.parametrize("name", ["auto", "tuned-a", "openai/gpt-4o", "v1.2_b+c@d", "8b", "x" * 64])
def test_names(name: str) -> None:
    assert values.read_name(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "-a", "é", "a\n", "x" * 65, None, 3])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(PydanticCustomError, match="a name is 1 to 64"):
        values.read_name(name)


@pytest.mark.parametrize(("written", "kept"), [(None, None), ("", None), ("sk-1", "sk-1"), (" sk-1\r\n", "sk-1")])
def test_secrets(written: object, kept: str | None) -> None:
    assert values.read_secret(written) == kept


@pytest.mark.parametrize("written", [12345, True, ["sk-1"], {"sk-1": 1}, "sk-é", "sk\n1"])
def test_a_wrong_secret_is_not_repeated(written: object) -> None:
    with pytest.raises(PydanticCustomError) as error:
        values.read_secret(written)

    assert "sk" not in str(error.value)
    assert "12345" not in str(error.value)


@pytest.mark.parametrize("read", [values.read_count, values.read_index, values.read_share, values.read_usd])
@pytest.mark.parametrize("written", [-1, True, None, "3", [], {}, float("nan"), float("inf"), "x"])
def test_what_is_no_number(read: Callable[[object], object], written: object) -> None:
    with pytest.raises(PydanticCustomError):
        read(written)


def test_numbers() -> None:
    assert values.read_index(0) == 0
    assert values.read_count(64) == 64
    assert values.read_share(1) == 1.0
    assert values.read_usd(2.5) == 2.5


def test_an_expanded_text_may_stand_for_a_number_or_a_truth() -> None:
    assert values.read_count(Expanded("64", "${N}")) == 64
    assert values.read_share(Expanded("0.3", "${B}")) == 0.3
    assert values.read_flag(Expanded("true", "${T}")) is True
    assert values.read_duration(Expanded("30s", "${D}")) == 30
    assert values.read_duration(Expanded("30", "${D}")) == 30
    assert values.read_flag_or_names(Expanded("false", "${T}")) is False
    assert type(values.read_text(Expanded("7", "${X}"))) is str


def test_a_fault_shows_how_a_value_was_written_and_not_what_the_environment_holds() -> None:
    with pytest.raises(PydanticCustomError, match=r"got '\$\{N\}'"):
        values.read_count(Expanded("sk-secret", "${N}"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        ([1], "a list"),
        ({}, "a mapping"),
        ("x" * 99, f"'{'x' * 60}…'"),
        (3, "3"),
    ],
)
def test_values_are_shown_briefly(value: object, shown: str) -> None:
    assert values.shown(value) == shown


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("http://127.0.0.1:8001/v1/", "http://127.0.0.1:8001/v1"),
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("http://[::1]:8001/v1", "http://[::1]:8001/v1"),
        ("http://vllm", "http://vllm"),
        ("https://h/@team/v1", "https://h/@team/v1"),
    ],
)
def test_addresses(written: str, kept: str) -> None:
    assert values.read_base_url(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "ftp://h/v1",
        "h:80/v1",
        "http://",
        "http://h:x/v1",
        "http://[::1/v1",
        "http://h/a b",
        "http://h/v1?k=1",
        "http://h/\x07",
        "http://h..example/v1",
        f"http://{'h' * 64}/v1",
        80,
    ],
)
def test_what_is_no_address(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        values.read_base_url(written)


@pytest.mark.parametrize("rest", ["h/v1", "h:port/v1", "[h/v1"])
def test_a_password_in_an_address_is_not_repeated(rest: str) -> None:
    with pytest.raises(PydanticCustomError) as error:
        values.read_base_url(f"http://admin:hunter2@{rest}")

    assert "hunter2" not in str(error.value)


def test_free_json_is_what_json_can_say() -> None:
    value = {"a": [1, 2.5, "x", None, True, {"b": Expanded("c", "${C}")}]}

    assert values.read_object(value) == {"a": [1, 2.5, "x", None, True, {"b": "c"}]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, {1, 2}, b"x"])
def test_what_json_cannot_say(value: object) -> None:
    with pytest.raises(PydanticCustomError, match="not a value JSON can hold"):
        values.read_object({"a": value})


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_an_object_is_a_mapping(value: object) -> None:
    with pytest.raises(PydanticCustomError, match="must be a mapping"):
        values.read_object(value)


@pytest.mark.parametrize(
    ("written", "kept"), [("builtin", "builtin"), ("m.json", "m.json"), (0, 0.0), (1, 1.0), (0.5, 0.5)]
)
def test_difficulties(written: object, kept: object) -> None:
    assert values.read_difficulty(written) == kept


@pytest.mark.parametrize("written", [None, "", -0.1, 1.1, True, [], float("nan")])
def test_what_is_no_difficulty(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        values.read_difficulty(written)


@pytest.mark.parametrize("written", [None, "refund", [], 3, [3], {}])
def test_tools_are_a_truth_or_names(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        values.read_flag_or_names(written)


@pytest.mark.parametrize("written", ["x team", "", "x:y", None, 3])
def test_what_is_no_header(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="not the name of a header"):
        values.read_header_name(written)


@pytest.mark.parametrize("written", ["(", "*a", "(?P<a>x)(?P<a>y)", "a{99999999999999999999}"])
def test_what_is_no_pattern(written: str) -> None:
    with pytest.raises(PydanticCustomError, match="not a regular expression"):
        values.read_pattern(written)

"""YAML text in; plain values, places and complaints out."""

import pytest

from router.policy.syntax import parse


def tree(text: str) -> object:
    document = parse(text.encode(), "p")
    assert not document.complaints
    return document.tree


def complaints(text: str | bytes) -> list[tuple[int, str]]:
    document = parse(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"), "p")
    return [((each.place or document.places[each.path])[1], each.message) for each in document.complaints]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0x1f", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("yes", "yes"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2027-05-01", "2027-05-01"),
        ("1_000", "1_000"),
        ("'3'", "3"),
        ("!!str 3", "3"),
        ("!!float 3", 3.0),
        ("=", "="),
    ],
)
def test_words_and_numbers_are_those_of_yaml_1_2(written: str, value: object) -> None:
    assert tree(f"a: {written}") == {"a": value}


def test_names_are_always_text() -> None:
    assert tree("1: a\ntrue: b\nnull: c\n1.50: d") == {"1": "a", "true": "b", "null": "c", "1.50": "d"}


def test_every_place_has_its_line() -> None:
    document = parse(b"# comment\na:\n  - b: 1\n\n  - c\n", "p")

    assert {path: line for path, (_, line) in document.places.items()} == {
        (): 2,
        ("a",): 2,
        ("a", 0): 3,
        ("a", 0, "b"): 3,
        ("a", 1): 5,
    }


def test_merge_keys_add_what_is_not_said_and_the_first_of_several_wins() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\nd: {<<: *a}\n"
    text += "e: &e {<<: *b, w: 3}\nf: {<<: *e}"

    values = tree(text)

    assert isinstance(values, dict)
    assert values["c"] == {"x": 0, "y": 1, "z": 2}
    assert values["d"] == {"x": 1, "y": 1}
    assert values["f"] == {"w": 3, "y": 2, "z": 2}


@pytest.mark.parametrize("text", ["a: &a {<<: *a}", "a: &a {b: {<<: *a}}", "a: {<<: 3}", "a: {<<: [x]}"])
def test_merge_keys_that_merge_nothing(text: str) -> None:
    assert complaints(text) == [(1, "'<<' takes a mapping, or a list of mappings, from elsewhere")]


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "&a [[*a]]"])
def test_an_alias_inside_what_it_stands_for(text: str) -> None:
    assert complaints(text) == [(1, "an alias inside what it stands for")]


def test_aliases_that_multiply_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert complaints("\n".join(lines)) == [(1, "too deeply nested, or aliases that repeat too much")]


def test_merges_that_multiply_are_stopped() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]

    assert complaints("\n".join(lines)) == [(1, "too deeply nested, or aliases that repeat too much")]


def test_nesting_without_end_is_stopped() -> None:
    assert complaints("[" * 100_000) == [(1, "too deeply nested, or aliases that repeat too much")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"a: 1\nb: \xff", 2, "not UTF-8 text"),
        ("a: 1\nb: \x07", 2, "not YAML: a character that cannot be shown"),
        ('a: 1\nb: "\\U00FFFFFF"', 2, "not YAML: an escape that is no character"),
        ('a: 1\nb: "\\ud800"', 2, "half of a surrogate pair is no character"),
        ("a: 1\nb: " + "9" * 99, 2, "a number with too many digits"),
        ("a: 1\nb: !!int x", 2, "not what its tag says: int"),
        ("a: 1\nb: !secret x", 2, "a tag such as '!secret' has no meaning here; remove it"),
        ("a: 1\nb: !!set {x}", 2, "a tag such as '!!set' has no meaning here; remove it"),
        ("a: 1\nb: !!binary aGk=", 2, "a tag such as '!!binary' has no meaning here; remove it"),
        ("a: 1\n? [b]\n: 2", 2, "a name before ':' must be plain text"),
        ("a: 1\n'': 2", 2, "a name before ':' must be plain text"),
        ('a: 1\n"b\\0": 2', 2, "a name before ':' must be plain text"),
        ("a: 1\na: 2", 2, "defined twice; first at line 1"),
        ("a: 1\n b: 2", 2, "not YAML: mapping values are not allowed here"),
        ("a: 1\nb: *c", 2, "not YAML: found undefined alias 'c'"),
        ("a: {\nb: 1", 2, "not YAML: expected ',' or '}', but got '<stream end>'"),
        ("a: 1\n- b", 2, "not YAML: expected <block end>, but found '-'"),
        ("%YAML 3.0\n---\na: 1", 1, "not YAML: found incompatible YAML document (version 1.* is required)"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text: str | bytes, line: int, message: str) -> None:
    assert complaints(text) == [(line, message)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\tb: 1", "indent with spaces, not tabs"),
        ("a: b: c", "is the line indented too far, or does a text with ': ' lack quotes?"),
        ("a: {b: ${C}}", "inside { } and [ ] put ${…} and text with , : { } [ ] in quotes"),
        ("a: 1\n---\nb: 2", "a policy file is one document: remove '---' or make two files"),
        ("a:\n  b: 1\n c: 2", "is the line indented like those around it?"),
        ("a: *b", ""),
    ],
)
def test_the_usual_cause_is_named(text: str, hint: str) -> None:
    assert [each.suggestion for each in parse(text.encode(), "p").complaints] == [hint]


def test_a_byte_order_mark_is_no_character() -> None:
    assert parse(b"\xef\xbb\xbfa: 1", "p").tree == {"a": 1}

"""Several files, one policy; the golden folders in `tests/policies` show what an operator hears."""

from pathlib import Path

from router.policy.merging import merge
from router.policy.source import spelled
from router.policy.syntax import Document, parse


def merged(*texts: str) -> Document:
    return merge([parse(text.encode(), f"{index}.yaml") for index, text in enumerate(texts)], Path("folder"))


def said(document: Document) -> list[str]:
    return [f"{each.place} {spelled(each.path)}: {each.message}" for each in document.complaints]


def test_names_add_up_and_settings_come_from_any_file() -> None:
    whole = merged("version: 1\ntiers: {a: 1}\ncache: {}", "version: 1\ntiers: {b: 2}\nstate: {}")

    assert whole.tree == {"version": 1, "tiers": {"a": 1, "b": 2}, "cache": {}, "state": {}}
    assert whole.places["tiers", "b"] == ("1.yaml", 2)
    assert said(whole) == []


def test_a_name_or_setting_of_two_files_says_where_both_are() -> None:
    whole = merged("version: 1\ntiers: {a: 1}\ncache: {}", "version: 1\ncache: {}\ntiers:\n  a: 2")

    assert said(whole) == [
        "('1.yaml', 2) cache: defined twice; first in 0.yaml:3",
        "('1.yaml', 4) tiers.a: defined twice; first in 0.yaml:2",
    ]


def test_a_section_of_the_wrong_shape_in_one_file_is_defined_twice() -> None:
    assert said(merged("version: 1\ntiers: {a: 1}", "version: 1\ntiers: [b]")) == [
        "('1.yaml', 2) tiers: defined twice; first in 0.yaml:2"
    ]


def test_every_file_has_its_version() -> None:
    whole = merged("version: 1", "version: 3", "a: 1", "", "- a", "version: true")

    assert [(each.place or ("", 0))[0] + ": " + each.message for each in whole.complaints] == [
        "1.yaml: must be 1, the only version there is; got 3",
        "2.yaml: is missing",
        "3.yaml: the file is empty",
        "4.yaml: must be a mapping of fields; got a list",
        "5.yaml: must be 1, the only version there is; got true",
    ]


def test_one_file_is_taken_as_it_is() -> None:
    assert merged("version: 1\na: 1").tree == {"version": 1, "a": 1}

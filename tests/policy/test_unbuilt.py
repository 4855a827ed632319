"""What the design promises and this release refuses."""

import pytest

from router import __version__
from router.policy import shape, unbuilt
from router.policy.source import spelled


def said(tree: object) -> list[str]:
    return [f"{spelled(each.path)}: {each.message}; {each.suggestion}" for each in unbuilt.complaints(tree)]


def test_a_row_is_deleted_when_its_field_is_built() -> None:
    whole = {row.field for row in unbuilt.ROWS if row.said is None}

    assert not whole & set(shape.fields())


def test_the_release_is_named() -> None:
    assert __version__.startswith(unbuilt.RELEASE.removeprefix("smallfirst "))
    assert said({"tiers": {"a": {"context": {}}}}) == [
        f"tiers.a.context: not built yet in {unbuilt.RELEASE}; remove it"
    ]


@pytest.mark.parametrize(
    "tree",
    [
        {"cache": {"url": "memory://"}},
        {"cache": {"url": 3}},
        {"routes": {"a": {"cache": {"exact": False}, "cascade": [{"below": 0.3}]}}},
        {"tiers": {"a": {"checks": ["complete", {}, {3: 4}, "unheard"], "balance": "least_busy"}}},
        {"tiers": {"a": {"params": {"response_format": {"type": "json_object"}}}}},
    ],
)
def test_what_is_built_or_unknown_is_not_its_business(tree: object) -> None:
    assert said(tree) == []


def test_the_names_a_block_will_have() -> None:
    assert unbuilt.field_names("") == []
    assert unbuilt.field_names("tiers.*") == ["context"]
    assert "balance" not in unbuilt.field_names("tiers.*")

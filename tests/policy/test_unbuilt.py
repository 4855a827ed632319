"""What the design promises and this release refuses: nothing at the moment, and the way to refuse it is kept."""

import pytest

from router import __version__
from router.policy import shape, unbuilt
from router.policy.source import spelled

ROWS = (
    unbuilt.Row("tiers.*.teleport"),
    unbuilt.Row("cache.url", "use memory://", "carrier://", lambda value: "'carrier://'" if value == "c" else ""),
)


def said(tree: object) -> list[str]:
    return [f"{spelled(each.path)}: {each.message}; {each.suggestion}" for each in unbuilt.complaints(tree)]


def test_a_row_is_deleted_when_its_field_is_built() -> None:
    whole = {row.field for row in unbuilt.ROWS if row.said is None}

    assert not whole & set(shape.fields())


def test_what_is_not_built_is_refused_with_the_release_that_has_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbuilt, "ROWS", ROWS)

    assert __version__.startswith(unbuilt.RELEASE.removeprefix("smallfirst "))
    assert said({"tiers": {"a": {"teleport": {}}}}) == [
        f"tiers.a.teleport: not built yet in {unbuilt.RELEASE}; remove it"
    ]
    assert said({"cache": {"url": "c"}}) == [
        f"cache.url: 'carrier://' is not built yet in {unbuilt.RELEASE}; use memory://"
    ]
    assert said({"cache": {"url": "memory://"}, "tiers": {"a": {"balance": "least_busy"}}}) == []


def test_the_names_a_block_will_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbuilt, "ROWS", ROWS)

    assert unbuilt.field_names("") == []
    assert unbuilt.field_names("tiers.*") == ["teleport"]
    assert unbuilt.field_names("cache") == []

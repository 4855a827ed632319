"""Which fields a policy can have, and where."""

import pytest

from router.policy import shape


def test_fields_are_found_through_mappings_lists_and_unions() -> None:
    assert {
        "version",
        "deployments.*.price.per_hour",
        "deployments.*.price.input",
        "deployments.*.timeout.connect",
        "routes.*.cascade.*.below",
        "routes.*.rules.*.when.tokens.min",
        "routes.*.rules.*.when.headers.*.regex",
        "auth.keys",
    } <= set(shape.fields())


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (("tiers", "tuned", "hold"), "tiers.*.hold"),
        (("routes", "auto", "cascade", 0, "below"), "routes.*.cascade.*.below"),
        (("routes", "cascade", "cascade"), "routes.*.cascade"),
        (("nonsense", "x"), ".*.*"),
        ((), ""),
    ],
)
def test_a_path_has_its_pattern(path: tuple[str | int, ...], pattern: str) -> None:
    assert shape.pattern_of(path) == pattern


def test_names_at_a_place() -> None:
    assert shape.names_at("deployments.*.breaker") == ["failures", "open_for"]
    assert "routes" in shape.names_at("")
    assert shape.names_at("deployments") == []


def test_places_are_written_for_people() -> None:
    assert shape.elsewhere("below") == ["routes.NAME.cascade[].below"]
    assert shape.readable("routes.*.rules.*.when.headers.*.regex") == "routes.NAME.rules[].when.headers.NAME.regex"
    assert shape.readable("tiers.*.checks.*") == "tiers.NAME.checks[]"
    assert shape.elsewhere("nonsense") == []

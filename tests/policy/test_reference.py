"""The reference in `docs/policy.md` and the policies people start from, held to what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from router.policy import lint, load, loads, reference, shape
from router.policy.validation import flow

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "policy.md"
EXAMPLES = sorted((ROOT / "policies").glob("*.yaml"))


def test_the_tables_are_those_the_schema_makes() -> None:
    text = REFERENCE.read_text("utf-8")

    assert reference.rewrite(text) == text, "run: python -m router.policy.reference docs/policy.md"


def test_every_field_is_documented_and_nothing_else_is() -> None:
    listed = re.findall(r"<!-- fields: (\S+) -->", REFERENCE.read_text("utf-8"))

    assert set(listed) == {pattern or "." for pattern in shape.blocks()}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("pattern", shape.fields())
def test_a_field_has_one_sentence_and_an_example(pattern: str) -> None:
    info = shape.fields()[pattern]

    assert (info.description or "").count(". ") == 0
    assert (info.description or "").endswith(".")
    assert info.examples
    assert yaml.safe_load(f"x: {flow(info.examples[0])}") == {"x": info.examples[0]}


def test_the_documented_policy_loads() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL):
        assert loads(text).version == 1


def test_routes_may_be_called_as_the_models_are_that_clients_ask_for() -> None:
    told = REFERENCE.read_text("utf-8").split("**A route may have the name of a model**", 1)[1]
    routes = loads(told.split("```yaml\n", 1)[1].split("```", 1)[0]).routes

    assert list(routes) == ["auto", "gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"]
    assert routes["gpt-4o"] == routes["gpt-4o-mini"] == routes["auto"]
    assert routes["claude-sonnet-4-5"].cascade == routes["auto"].cascade
    assert routes["claude-sonnet-4-5"].deadline == 120


def test_writing_the_tables_leaves_the_rest_alone() -> None:
    text = "before\n<!-- fields: auth -->\nold\n<!-- end -->\nafter\n"

    fresh = reference.rewrite(text)

    assert fresh.startswith("before\n<!-- fields: auth -->\n| field | default | meaning | example |\n")
    assert fresh.endswith("| `keys: keys.yaml` |\n<!-- end -->\nafter\n")


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.md"
    path.write_text("<!-- fields: auth -->\n<!-- end -->\n")

    reference.main([str(path)])

    assert "hashes of the clients' keys" in path.read_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_policy_to_start_from_needs_what_it_says_and_nothing_more(path: Path) -> None:
    text = path.read_text("utf-8")
    head, _, body = text.partition("\nversion: 1\n")
    needed = re.findall(r"([A-Z_]+) +[^\n]*must be set", head)
    used = set(re.findall(r"\$\{([A-Z_]+)", body))

    policy = load(path, dict.fromkeys(needed, "x"))

    assert used == {name for name in used if name in head}
    assert {rung.tier for route in policy.routes.values() for rung in route.cascade} == set(policy.tiers)


@pytest.mark.parametrize("name", ["quickstart", "three-tiers"])
def test_nothing_is_to_be_said_about_the_simple_ones(name: str) -> None:
    assert lint(load(ROOT / "policies" / f"{name}.yaml", {})) == ()

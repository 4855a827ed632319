"""Whose answers outcomes were."""

from pathlib import Path

import pytest

from router.difficulty import origins
from router.policy import loads

POLICY = """
version: 1
deployments:
  a: {base_url: http://127.0.0.1:1/v1, model: small, tune: {id: v3, prompt: {system: lean.md}}}
  b: {base_url: http://127.0.0.1:2/v1, model: small}
  c: {provider: anthropic, model: large}
tiers:
  tuned: {deployments: [a, b], prompt: {system: full.md}}
  frontier: {deployments: [c]}
routes:
  auto: {difficulty: 0.2, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""
TIERS = ("tuned", "frontier")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lean.md").write_text("Be brief.")
    (tmp_path / "full.md").write_text("You answer for Example.\nBe brief.")
    return tmp_path


def test_model_tune_and_prompt_of_every_deployment_are_named(folder: Path) -> None:
    said = origins(loads(POLICY, folder=folder), TIERS)
    assert said["frontier"] == ["anthropic/large"]
    assert [words.split()[:-1] for words in said["tuned"]] == [["small", "prompt"], ["small", "tune", "v3", "prompt"]]


def test_white_space_in_a_prompt_is_nothing_new_and_a_word_is(folder: Path) -> None:
    before = origins(loads(POLICY, folder=folder), TIERS)
    (folder / "full.md").write_text("You answer  for Example. Be brief.\n")
    assert origins(loads(POLICY, folder=folder), TIERS) == before
    (folder / "full.md").write_text("You answer for Example. Be thorough.")
    assert origins(loads(POLICY, folder=folder), TIERS) != before


def test_another_tune_is_something_new_and_a_price_is_not(folder: Path) -> None:
    before = origins(loads(POLICY, folder=folder), TIERS)
    assert origins(loads(POLICY.replace("id: v3", "id: v4"), folder=folder), TIERS) != before
    cheaper = POLICY.replace("model: large", "model: large, price: {input: 1, output: 2}")
    assert origins(loads(cheaper, folder=folder), TIERS) == before

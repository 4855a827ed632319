"""`smallfirst check`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Called

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "policies").glob("*.yaml"))
Smallfirst = Callable[..., Called]


def test_a_good_policy_holds(smallfirst: Smallfirst, policy: Path) -> None:
    told = smallfirst("check", str(policy))

    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[-1].startswith(f"{policy}: ok, version ")


def test_a_fault_is_told_with_its_place_and_exit_code_1(smallfirst: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("tiers:", "tears:"))

    told = smallfirst("check", str(policy))

    assert told.code == 1
    assert "unknown field; did you mean 'tiers'?" in told.out


def test_the_same_as_json(smallfirst: Smallfirst, policy: Path) -> None:
    bad = policy.with_name("bad.yaml")
    bad.write_text("version: 1\n")

    told = smallfirst("check", "--json", str(policy), str(bad))

    assert told.code == 1
    good, faulty = told.document["policies"]
    assert not told.document["ok"]
    assert (good["faults"], len(good["version"])) == ([], 12)
    assert faulty["faults"]
    assert faulty["version"] is None


def test_warnings_fail_only_when_asked_to(smallfirst: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("difficulty: 0.2, ", "").replace("below: 0.3", "below: 0.999"))

    relaxed, strict = smallfirst("check", str(policy)), smallfirst("check", "--strict", str(policy))

    assert (relaxed.code, strict.code) == (0, 1)
    assert "warning: " in relaxed.out
    assert "every difficulty it has seen is below 0.999" in relaxed.out


@pytest.mark.parametrize("threshold", ["below: 0.2", "below: auto"])
def test_how_everybody_begins_is_noted_and_never_fails(smallfirst: Smallfirst, policy: Path, threshold: str) -> None:
    policy.write_text(policy.read_text().replace("difficulty: 0.2, ", "").replace("below: 0.3", threshold))

    told = smallfirst("check", "--strict", "--json", str(policy))

    assert told.code == 0
    (report,) = told.document["policies"]
    assert (len(report["notes"]), report["warnings"]) == (1, [])
    assert "note: " in smallfirst("check", str(policy)).out


def test_a_threshold_set_by_hand_that_an_edit_drops_is_noted(smallfirst: Smallfirst, policy: Path) -> None:
    smallfirst("thresholds", "--policy", str(policy), "set", "0.45")
    assert smallfirst("check", "--json", str(policy)).document["policies"][0]["notes"] == []
    policy.write_text(policy.read_text().replace("below: 0.3", "below: 0.2"))

    told = smallfirst("check", str(policy))

    assert told.code == 0
    assert "note: routes.auto: the threshold of 'tuned' that was set by hand to 0.4500 is not in force" in told.out
    assert "`smallfirst thresholds --route auto set 0.45`" in told.out


def test_a_model_file_that_cannot_be_used_is_a_fault(smallfirst: Smallfirst, policy: Path) -> None:
    policy.with_name("m.model").write_bytes(b"nonsense")
    policy.write_text(policy.read_text().replace("difficulty: 0.2", "difficulty: m.model"))

    told = smallfirst("check", str(policy))

    assert told.code == 1
    assert "routes.auto.difficulty: " in told.out


def test_a_calibration_that_cannot_be_used_is_a_fault(smallfirst: Smallfirst, policy: Path) -> None:
    policy.with_name("c.json").write_text("{}")
    changed = policy.read_text().replace("difficulty: 0.2", "difficulty: builtin, calibration: c.json")
    policy.write_text(changed.replace("below: 0.3", "below: auto"))

    told = smallfirst("check", str(policy))

    assert told.code == 1
    assert ":15 routes.auto.calibration: " in told.out
    assert "not a calibration" in told.out


def test_without_a_calibration_auto_is_noted(smallfirst: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("difficulty: 0.2, ", "").replace("below: 0.3", "below: auto"))

    told = smallfirst("check", str(policy))

    assert (told.code, told.out.count("note: ")) == (0, 1)
    assert "there is no calibration, so nothing starts at 'tuned' until" in told.out


def test_the_schema_is_for_editors(smallfirst: Smallfirst) -> None:
    assert "deployments" in smallfirst("check", "--schema").document["properties"]


@pytest.mark.parametrize("words", [[], ["nowhere.yaml"]])
def test_a_policy_has_to_be_there(smallfirst: Smallfirst, words: list[str]) -> None:
    assert smallfirst("check", *words).code == 2


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_hold(smallfirst: Smallfirst, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TUNED_API_KEY", "FRONTIER_API_KEY"):
        monkeypatch.setenv(name, "sk-test")

    told = smallfirst("check", "--strict", str(path))

    assert told.code == 0, told.out

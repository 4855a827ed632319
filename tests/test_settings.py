"""The environment, read once: defaults, faults with names, secrets kept, and a page that tells the truth."""

import re
from pathlib import Path

import pytest

from router.settings import Settings, SettingsError, tell_library

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
ROWS = dict(re.findall(r"^\| `(SMALLFIRST_\w+)` \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE))


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.of({}) == Settings(host="127.0.0.1", port=8080, log="json", signing_key=None)


def test_each_variable_has_its_say() -> None:
    environment = {
        "SMALLFIRST_HOST": "0.0.0.0",
        "SMALLFIRST_PORT": "0",
        "SMALLFIRST_LOG": "off",
        "SMALLFIRST_WATCH": "off",
        "SMALLFIRST_DRAIN": "5",
        "SMALLFIRST_SIGNING_KEY": "a secret",
    }
    assert Settings.of(environment) == Settings("0.0.0.0", 0, "off", "off", 5, "a secret", environment)


def test_an_empty_variable_is_not_set() -> None:
    empty = dict.fromkeys(ROWS, "")
    assert Settings.of(empty) == Settings(environment=empty)


def test_a_port_that_kubernetes_made_up_is_not_ours() -> None:
    assert Settings.of({"SMALLFIRST_PORT": "tcp://10.0.0.7:8080"}).port == 8080


@pytest.mark.parametrize("port", ["http", "-1", "65536", "80.5", "²"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match=f"SMALLFIRST_PORT: must be a number .*, not '{port}'"):
        Settings.of({"SMALLFIRST_PORT": port})


def test_every_fault_is_told_at_once() -> None:
    wrong = {"PORT": "x", "LOG": "yaml", "WATCH": "poll", "DRAIN": "1m"}
    with pytest.raises(SettingsError) as caught:
        Settings.of({f"SMALLFIRST_{name}": value for name, value in wrong.items()})
    assert str(caught.value).splitlines() == [
        "SMALLFIRST_PORT: must be a number from 0 (any free port) to 65535, not 'x'",
        "SMALLFIRST_LOG: must be json or off, not 'yaml'",
        "SMALLFIRST_WATCH: must be on or off, not 'poll'",
        "SMALLFIRST_DRAIN: must be a number of seconds, not '1m'",
    ]


def test_a_policy_gets_the_whole_environment_as_it_was_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNED_API_KEY", "before")
    settings = Settings.read()
    monkeypatch.setenv("TUNED_API_KEY", "after")
    assert settings.environment["TUNED_API_KEY"] == "before"


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = Settings.of({"SMALLFIRST_SIGNING_KEY": "hush", "OPENAI_API_KEY": "sk-hush"})
    assert "hush" not in repr(settings)


def test_a_library_is_told_what_the_operator_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_LIBRARYS_SWITCH", "the operator's")
    monkeypatch.delenv("ANOTHER_SWITCH", raising=False)
    tell_library("A_LIBRARYS_SWITCH", "ours")
    tell_library("ANOTHER_SWITCH", "ours")
    environment = Settings.read().environment
    assert (environment["A_LIBRARYS_SWITCH"], environment["ANOTHER_SWITCH"]) == ("the operator's", "ours")
    monkeypatch.delenv("ANOTHER_SWITCH")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_lists_the_variables_the_code_reads() -> None:
    source = (Path(__file__).parent.parent / "router" / "settings.py").read_text("utf-8")
    assert set(ROWS) == set(re.findall(r"SMALLFIRST_[A-Z_]+[A-Z]", source))


def test_the_page_tells_the_defaults() -> None:
    defaults = Settings()
    for variable, told in ROWS.items():
        default = getattr(defaults, variable.removeprefix("SMALLFIRST_").lower())
        assert told.strip("` ") == str(default).lower()

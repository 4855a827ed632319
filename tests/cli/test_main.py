"""The command line as a whole."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from router import __version__
from tests.cli.calling import Called


def test_it_tells_its_version(smallfirst: Callable[..., Called]) -> None:
    assert smallfirst("--version") == Called(0, f"smallfirst {__version__}\n", "")


def test_every_command_has_its_line_of_help(smallfirst: Callable[..., Called]) -> None:
    told = smallfirst("--help")

    assert told.code == 0
    for command in ("serve", "demo", "check", "explain", "keys"):
        assert f"\n  {command} " in told.out


@pytest.mark.parametrize("group", [(), ("keys",), ("cache",), ("records",)])
def test_no_line_of_help_is_cut_short(smallfirst: Callable[..., Called], group: tuple[str, ...]) -> None:
    told = smallfirst(*group, "--help").out.partition("Commands:")[2]

    assert told
    assert "..." not in told


def test_who_has_read_enough_hears_of_no_fault() -> None:
    data = Path(__file__).parents[2] / "router" / "demo" / "workload.jsonl"
    command = f"{sys.executable} -m router score --model builtin --data {data} | head -1"

    told = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)

    assert told.stdout.startswith('{"id"')
    assert told.stderr == ""


@pytest.mark.parametrize("command", ["serve", "demo", "check", "explain", "keys"])
def test_every_command_explains_itself(smallfirst: Callable[..., Called], command: str) -> None:
    told = smallfirst(command, "--help")

    assert (told.code, told.err) == (0, "")
    assert "Usage:" in told.out


@pytest.mark.parametrize(
    "words",
    [
        ["dance"],
        ["serve"],
        ["check", "--loud"],
        ["serve", "--policy", "nowhere.yaml", "--port", "99999"],
        ["demo", "--port", "-1"],
    ],
)
def test_a_wrong_call_is_exit_code_2_and_words_on_stderr(smallfirst: Callable[..., Called], words: list[str]) -> None:
    told = smallfirst(*words)

    assert (told.code, told.out) == (2, "")
    assert told.err


def test_a_refusal_is_one_line_without_a_traceback() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "router", "serve", "--policy", "nowhere.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "smallfirst: nowhere.yaml: no such policy; give a YAML file or a folder of them\n"

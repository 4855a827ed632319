"""`smallfirst keys`."""

from collections.abc import Callable
from pathlib import Path

from router.keys import Keyring
from tests.cli.calling import Called

Smallfirst = Callable[..., Called]


def test_a_key_is_printed_once_alone_and_kept_as_a_hash(smallfirst: Smallfirst, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"

    told = smallfirst("keys", "add", "--name", "support", "--file", str(file), "--label", "team=billing")

    key = told.out.strip()
    found = Keyring.read(file).find(f"Bearer {key}".encode())
    assert (told.code, told.err, told.out) == (0, "", f"{key}\n")
    assert found is not None
    assert (found.name, found.labels) == ("support", {"team": "billing"})
    assert key not in file.read_text()


def test_a_name_is_taken_once(smallfirst: Smallfirst, tmp_path: Path) -> None:
    call = ("keys", "add", "--name", "support", "--file", str(tmp_path / "keys.yaml"))
    smallfirst(*call)

    again = smallfirst(*call)

    assert (again.code, again.out) == (2, "")
    assert "exists" in again.err


def test_a_label_has_a_name_and_a_value(smallfirst: Smallfirst, tmp_path: Path) -> None:
    told = smallfirst("keys", "add", "--name", "x", "--file", str(tmp_path / "k.yaml"), "--label", "team")

    assert told.code == 2
    assert "NAME=VALUE" in told.err

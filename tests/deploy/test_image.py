"""The Dockerfile keeps the rules that a linter would hold it to, and agrees with the code about ports and paths."""

import fnmatch
import re

from typer.main import get_command

from router.cli import app
from router.settings import Settings
from tests.deploy.manifests import ROOT, instructions, last, words


def test_it_ends_as_a_user_who_is_nobody() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    after = [word for word, _ in instructions()][[word for word, _ in instructions()].index("USER") :]
    assert "RUN" not in after
    assert "COPY" not in after


def test_base_images_are_pinned_by_an_argument() -> None:
    (base,) = [rest for word, rest in instructions() if word == "ARG"]
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]

    assert re.fullmatch(r"PYTHON=python:3\.\d+-slim", base)
    assert set(bases) == {"${PYTHON}"}


def test_nothing_is_installed_that_is_not_locked() -> None:
    installs = [
        part for word, rest in instructions() if word == "RUN" for part in rest.split("&&") if "pip install" in part
    ]

    assert installs
    assert [part for part in installs if "--require-hashes" not in part and "--no-deps" not in part] == []


def test_nothing_comes_from_elsewhere() -> None:
    told = " ".join(f"{word} {rest}" for word, rest in instructions())

    assert [word for word, _ in instructions() if word in {"ADD", "ONBUILD", "MAINTAINER"}] == []
    assert not re.search(r"\b(curl|wget|apt-get|git clone|sudo)\b", told)
    assert not re.search(
        r"(KEY|SECRET|TOKEN|PASSWORD)\s*=", " ".join(r for w, r in instructions() if w in {"ENV", "ARG"})
    )


def test_commands_are_run_without_a_shell() -> None:
    for word in ("ENTRYPOINT", "CMD"):
        assert last(word).startswith("[")
    assert last("HEALTHCHECK").partition("CMD ")[2].startswith("[")


def test_ports_and_paths_are_the_code_s() -> None:
    port = str(Settings().port)

    assert last("EXPOSE") == port
    assert "'127.0.0.1', Settings.read().port" in last("HEALTHCHECK")
    assert "'/healthz'" in last("HEALTHCHECK")
    assert words("ENTRYPOINT") == ["smallfirst"]
    assert words("VOLUME") == [last("WORKDIR")]


def test_what_it_does_when_nobody_says_anything_is_a_command_that_there_is() -> None:
    command, *options = words("CMD")
    known = {option for one in get_command(app).commands[command].params for option in one.opts}  # type: ignore[attr-defined]

    assert {word for word in options if word.startswith("-")} <= known


def test_what_is_copied_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = [line[1:].rstrip("/") for line in ignored if line.startswith("!")]
    copied = [
        name.rstrip("/")
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for name in rest.split()[:-1]
    ]

    assert copied
    assert [name for name in copied if not any(fnmatch.fnmatch(name, pattern) for pattern in kept)] == []
    assert [name for name in copied if not (ROOT / name).exists()] == []

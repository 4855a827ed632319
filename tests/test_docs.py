"""Documentation that says something else than the code is a defect: each of these turns red when they part."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from router import errors
from router.cli import app
from router.meters import METRICS
from router.policy.checks import Check
from router.upstream.failure import REASONS
from router.verify import KINDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TELLING = sorted(
    [
        *PAGES,
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / "bench").rglob("*.md"),
        *(ROOT / "policies").rglob("*.yaml"),
        *(ROOT / "deploy").rglob("*.yaml"),
        *(ROOT / name for name in ("compose.yaml", "Dockerfile", "Makefile")),
    ]
)
"""Whatever tells people what to type."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def rows(name: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    section = page(name).split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_metric_is_told_as_it_is() -> None:
    told = [line for line in page("metrics.md").splitlines() if line.startswith("| `")]

    assert told == [
        f"| `{one.name}` | {one.kind} | {' '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
        for one in METRICS
    ]


def test_every_check_and_every_reason_is_told() -> None:
    told = {
        (check, reason.strip("`"))
        for checks, reason, _ in rows("checks.md", "What they look at")
        for check in re.findall(r"`(\w+)`", checks)
        if not checks.startswith("any")
    }

    assert told == {(kind.name, reason) for kind in KINDS for reason in kind.reasons}
    assert {check for check, _ in told} == set(Check.model_fields)


def test_every_check_with_something_to_explain_has_its_section() -> None:
    headings = re.findall(r"^### (.+)$", page("checks.md"), re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(headings))) <= set(Check.model_fields)


def test_every_reason_of_a_fallback_is_told() -> None:
    assert [reason for reason in sorted(REASONS) if f"`{reason}`" not in page("metrics.md")] == []


def test_every_error_code_is_told() -> None:
    told = {row[0].strip("`") for row in rows("http.md", "Errors")}
    source = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "router").rglob("*.py")))
    classes = {
        c.code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.Problem) and c.code
    }

    assert told == classes | set(re.findall(r'code="([a-z_]+)"', source)) | {"client_left"}


def test_every_response_header_is_told() -> None:
    told = {row[0].strip("`") for row in rows("http.md", "Response headers")}
    source = (ROOT / "router/outcome.py").read_text("utf-8")

    assert told == set(re.findall(r'b"(x-[a-z-]+)"', source))


def test_every_request_header_is_told() -> None:
    told = {row[0].strip("`") for row in rows("http.md", "Request headers")}
    source = (ROOT / "router/server/caller.py").read_text("utf-8")

    assert told == set(re.findall(r'"(x-router-[a-z-]+|authorization|x-api-key)"', source))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", path.read_text("utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", TELLING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_exists_with_every_option_that_is_told(path: Path) -> None:
    text = path.read_text("utf-8")
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) if path.suffix == ".md" else [text]
    typed = [
        words for block in blocks for words in re.findall(r"^(?:# {3}|\t@)? *smallfirst (.+)", block, re.MULTILINE)
    ]
    told = [*typed, *re.findall(r"`smallfirst ([^`\n…]+)", text)]

    assert [words for words in told if not understood(words)] == []


def understood(words: str) -> bool:
    """Whether the command line knows a command, and every option behind its name."""
    command: Any = get_command(app)
    for word in words.split():
        if not hasattr(command, "commands") or word.startswith("-"):
            break
        if not set(word.split("|")) <= set(command.commands):
            return False
        command = command.commands[word.split("|")[0]]
    known = {"--help"}.union(*(one.opts + one.secondary_opts for one in command.params))
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", words)) <= known


def test_every_make_target_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(re.findall(r"make ([a-z0-9-]+)", readme)) <= targets

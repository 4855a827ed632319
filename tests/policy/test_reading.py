"""Whole policies, from file or folder to values or faults; `tests/policies` holds the cases, one mistake a file."""

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.policy import Caution, Fault, Note, Policy, PolicyError, lint, load, loads

ROOT = Path(__file__).parents[2]
CASES = Path("tests/policies")
STATEMENT = re.compile(r"^# (env|priced|expect|warn|note): (.*)$", re.MULTILINE)
SMALLEST = """
version: 1
deployments: {a: {base_url: http://127.0.0.1:1/v1, model: m}, b: {base_url: http://127.0.0.1:2/v1, model: n}}
tiers: {tuned: {deployments: [a]}, frontier: {deployments: [b]}}
routes: {auto: {cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}}
"""


@dataclass
class Case:
    env: dict[str, str] = field(default_factory=dict)
    priced: list[str] | None = None
    expected: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def statements(path: Path) -> Iterator[tuple[Path, str, str]]:
    for file in sorted(path.glob("*.y*ml")) if path.is_dir() else [path]:
        yield from ((file, kind, text) for kind, text in STATEMENT.findall(file.read_text("utf-8")))


def case_of(path: Path) -> Case:
    case = Case()
    for file, kind, text in statements(path):
        place = f"{path}{text.removeprefix('folder')}" if text.startswith("folder ") else f"{file}:{text}"
        match kind:
            case "env":
                name, _, value = text.partition("=")
                case.env[name] = value
            case "priced":
                case.priced = text.split()
            case "expect":
                case.expected.append(place)
            case "warn":
                case.cautions.append(place)
            case "note":
                case.notes.append(place)
    return case


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / CASES).iterdir() if p.name[0] not in "_R"))
def test_an_operator_hears(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # places are spelled as the path was given
    case = case_of(CASES / name)
    faults: list[str] = []
    found: tuple[Caution | Note, ...] = ()
    try:
        found = lint(load(CASES / name, case.env), priced=case.priced)
    except PolicyError as error:
        faults = str(error).splitlines()
    cautions = [str(one) for one in found if isinstance(one, Caution)]
    notes = [str(one) for one in found if isinstance(one, Note)]

    assert (faults, cautions, notes) == (case.expected, case.cautions, case.notes)


def write(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


# ------------------------------------------------------------------------------------------------------------- finding


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such policy; give a YAML file or a folder of them"):
        load(tmp_path / "nothing.yaml", {})


def test_a_folder_without_a_policy(tmp_path: Path) -> None:
    write(tmp_path, SMALLEST, ".hidden.yaml")

    with pytest.raises(PolicyError, match="this folder has no policy"):
        load(tmp_path, {})


def test_a_folder_reads_yaml_only_and_only_its_own(tmp_path: Path) -> None:
    write(tmp_path, SMALLEST, "one.yml")
    write(tmp_path, "not: [a policy", "notes.txt")
    (tmp_path / "below.yaml").mkdir()

    assert list(load(tmp_path, {}).routes) == ["auto"]


def test_a_file_that_cannot_be_read_is_a_fault_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SMALLEST, "a.yaml")
    huge = write(tmp_path, SMALLEST, "b.yaml")
    monkeypatch.setattr("router.policy.files._LARGEST", len(SMALLEST) - 1)

    with pytest.raises(PolicyError) as error:
        load(tmp_path, {})

    assert f"{huge}: cannot be read" in str(error.value)


def test_a_folder_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)  # root may read everything, so the refusal itself is made

    with pytest.raises(PolicyError, match="this folder cannot be read; Permission denied"):
        load(tmp_path, {})


def test_text_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"version: 1\n# na\xefve\n")

    with pytest.raises(PolicyError, match=r"policy\.yaml:2: not UTF-8 text"):
        load(path, {})


# -------------------------------------------------------------------------------------------------------- what it knows


def test_named_files_are_read_once_and_relative_to_the_policy(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    prompt = write(tmp_path / "prompts", "Sort the message.", "triage.md")
    keys = write(tmp_path, "keys: []", "keys.yaml")
    key = write(tmp_path, "sk-upstream\n", "key.txt")
    model = write(tmp_path, "{}", "model.json")
    text = SMALLEST.replace("model: m", "model: m, api_key: '${file:key.txt}'")
    rules = "difficulty: model.json, rules: [{name: t, when: {system: prompts/triage.md}, start: frontier}]"
    path = write(tmp_path, text.replace("{cascade", f"{{{rules}, cascade") + "auth: {keys: keys.yaml}\n")

    policy = load(path, {})
    prompt.write_text("Changed on disk.")

    assert policy.read_text("prompts/triage.md") == "Sort the message."
    assert policy.read_bytes("model.json") == b"{}"
    assert policy.path("keys.yaml") == keys
    assert policy.deployments["a"].api_key == "sk-upstream"
    assert policy.files == {path, prompt, keys, key, model}
    with pytest.raises(KeyError):
        policy.read_text("key.txt")


def test_a_field_knows_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, SMALLEST)

    policy = load(path, {})

    assert policy.where("routes", "auto", "cascade", 0, "below") == (str(path), 5)
    assert policy.where("deployments", "a", "timeout", "total") == (str(path), 3)


def test_a_policy_in_memory_finds_its_files_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "{}", "model.json")
    text = SMALLEST.replace("{cascade", "{difficulty: model.json, cascade")

    assert loads(text, folder=tmp_path).read_bytes("model.json") == b"{}"
    with pytest.raises(
        PolicyError, match=r"policy:5 routes\.auto\.difficulty: no file 'model\.json' beside the policy"
    ):
        loads(text)


def test_a_constant_difficulty_from_the_environment_is_no_file() -> None:
    text = SMALLEST.replace("{cascade", "{difficulty: '${D}', cascade")

    assert loads(text, {"D": "0.5"}).routes["auto"].difficulty == 0.5
    with pytest.raises(PolicyError, match=r"no file 'model\.json'"):
        loads(text, {"D": "model.json"})


# -------------------------------------------------------------------------------------------------------------- version


def version(text: str, **env: str) -> str:
    return loads(text, env).version_hash


def test_the_version_is_twelve_hex_digits() -> None:
    assert re.fullmatch("[0-9a-f]{12}", version(SMALLEST))


def test_comments_order_and_spelling_do_not_change_the_version() -> None:
    lines = SMALLEST.strip().splitlines()
    turned = "\n".join(["# a comment", *reversed(lines)])

    assert version(turned) == version(SMALLEST)
    assert version(SMALLEST.replace("0.3", "0.30")) == version(SMALLEST)


def test_the_version_is_that_of_the_whole_policy_as_json() -> None:
    policy = loads(SMALLEST + "cache: {memory: 1MiB}\nserver: {max_body: 1MiB}\n")
    said = json.dumps(policy.model_dump(mode="json"), sort_keys=True)

    assert policy.version_hash == hashlib.sha256(said.encode()).hexdigest()[:12]


def test_keys_do_not_change_the_version_and_everything_else_does(tmp_path: Path) -> None:
    keyed = SMALLEST.replace("model: m", "model: m, api_key: '${KEY}'")
    write(tmp_path, "one", "keys.yaml")
    with_keys = SMALLEST + "auth: {keys: keys.yaml}"
    before = loads(with_keys, folder=tmp_path).version_hash
    write(tmp_path, "two", "keys.yaml")

    assert version(keyed, KEY="one") == version(keyed, KEY="two") == version(SMALLEST)
    assert loads(with_keys, folder=tmp_path).version_hash == before != version(SMALLEST)
    assert version(SMALLEST.replace("model: m", "model: o")) != version(SMALLEST)
    assert version(SMALLEST.replace("0.3", "0.31")) != version(SMALLEST)


def test_a_changed_prompt_changes_the_version(tmp_path: Path) -> None:
    text = SMALLEST.replace("{cascade", "{rules: [{name: t, when: {system: t.md}, start: frontier}], cascade")
    write(tmp_path, "Sort.", "t.md")
    before = loads(text, folder=tmp_path).version_hash
    write(tmp_path, "Sort!", "t.md")

    assert loads(text, folder=tmp_path).version_hash != before


def test_no_secret_is_ever_shown() -> None:
    policy = loads(SMALLEST.replace("model: m", "model: m, api_key: sk-secret"))

    assert policy.deployments["a"].api_key == "sk-secret"
    assert "sk-secret" not in f"{policy!r} {policy} {policy.model_dump()} {policy.model_dump_json()}"


# ------------------------------------------------------------------------------------------------------------ strangers

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.binary(max_size=4)
    | st.sampled_from(["all", "auto", "builtin", "${A}", "${file:x}", "$${", "${", "30s", "tuned", "a", 10**400, "\0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.integers() | st.none() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=6,
)
SEED = """
version: 1
deployments:
  a:
    {base_url: http://127.0.0.1:1/v1, model: m, api_key: k, price: {input: 1, output: 2, cached_input: 1},
     concurrency: 4, when_full: queue, timeout: {connect: 2, total: 60s},
     breaker: {failures: 5, open_for: 10s}, labels: {region: eu}, supports: {tools: true}}
  b: {provider: p, model: n, price: {per_hour: 2}, labels: {region: eu}}
tiers:
  tuned: {deployments: [a, b], balance: least_busy, checks: [{regex: {pattern: a}}], hold: 2, params: {seed: 1}}
  frontier: {deployments: [b]}
routes:
  auto:
    cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]
    difficulty: 0.5
    deadline: 60s
    rules:
      - {name: one, start: frontier, require: {region: eu}, when: {pii: [email], images: true, tools: [x],
         tokens: {min: 1}, metadata: {a: b}, headers: {x-a: {regex: b}}, key: {a: b}, regex: a, language: [greek]}}
      - {name: two, route: other, when: {turns: {max: 2}}}
    cache: {exact: false}
  other: {cascade: [{tier: frontier}]}
cache: {url: "memory://"}
state: {path: .smallfirst}
server: {max_body: 1MiB}
"""


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*path, name))


TREE = yaml.safe_load(SEED)
PLACES = sorted(places(TREE), key=str)


def test_the_seed_is_a_policy() -> None:
    assert list(loads(SEED).routes) == ["auto", "other"]


def said_or_loaded(text: str) -> None:
    """A policy, or faults in our own words: never a traceback, never pydantic's or Python's words."""
    loaded = loaded_or_faults(text)
    if isinstance(loaded, tuple):
        assert loaded
        assert "Input should" not in "\n".join(map(str, loaded))
        assert all(fault.line >= 1 and fault.message for fault in loaded)


def loaded_or_faults(text: str) -> Policy | tuple[Fault, ...]:
    try:
        return loads(text, {"A": "x"})
    except PolicyError as error:
        return error.faults


@given(place=st.sampled_from(PLACES), value=ODD, adding=st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_anywhere_loads_or_is_refused(place: tuple[str | int, ...], value: object, *, adding: bool) -> None:
    tree = copy.deepcopy(TREE)
    target = tree
    for step in place[:-1]:
        target = target[step]
    if adding and isinstance(target, dict):
        target["odd"] = value
    else:
        target[place[-1]] = value

    said_or_loaded(yaml.safe_dump(tree, allow_unicode=True))


@given(ODD)
def test_any_yaml_loads_or_is_refused(value: object) -> None:
    said_or_loaded(yaml.safe_dump(value))


@given(st.text(alphabet=st.sampled_from("abv:12 -[]{}#&*!|>'\"%@`\n\t\\u0${}<~,?."), max_size=60))
@settings(max_examples=150)
def test_any_text_loads_or_is_refused(text: str) -> None:
    said_or_loaded(text)
    said_or_loaded(SMALLEST + text)


@given(st.integers(0, len(SEED)), st.integers(0, 12), st.text(max_size=3))
@settings(max_examples=100)
def test_any_slip_of_the_keyboard_loads_or_is_refused(start: int, length: int, instead: str) -> None:
    said_or_loaded(SEED[:start] + instead + SEED[start + length :])

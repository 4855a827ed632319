"""`smallfirst check-answer`."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.cli.calling import Called

Smallfirst = Callable[..., Called]
ASKED = {"messages": [{"role": "user", "content": "hi"}]}
GOOD = {"request": ASKED, "answer": "Hello, how can I help?"}
SHORT = {"request": ASKED, "answer": {"content": "Hi"}}
REFUSED = {
    "request": ASKED,
    "answer": {"choices": [{"message": {"content": "I can't help with that."}, "finish_reason": "stop"}]},
}


@pytest.fixture
def strict(policy: Path) -> Path:
    text = policy.read_text()
    checks = "{deployments: [small], checks: [complete, refusal, {length: {min: 5}}]}"
    policy.write_text(text.replace("{deployments: [small]}", checks))
    return policy


def lines(path: Path, *cases: object) -> str:
    path.write_bytes(b"\n".join(orjson.dumps(case) for case in cases) + b"\n\n")
    return str(path)


def test_every_answer_gets_its_verdict(smallfirst: Smallfirst, strict: Path, tmp_path: Path) -> None:
    file = lines(tmp_path / "answers.jsonl", GOOD, SHORT, REFUSED)

    told = smallfirst("check-answer", "--policy", str(strict), "--tier", "tuned", file)

    assert told.code == 1
    assert told.out == "1: ok\n2: too_short   (length: too_short)\n3: refused   (refusal: refused)\n"


def test_the_same_as_json(smallfirst: Smallfirst, strict: Path, tmp_path: Path) -> None:
    file = lines(tmp_path / "answers.jsonl", GOOD, SHORT)

    told = smallfirst("check-answer", "--policy", str(strict), "--tier", "tuned", "--json", file)

    assert told.code == 1
    assert (told.document["ok"], told.document["checks"]) == (False, ["complete", "length", "refusal"])
    assert told.document["answers"] == [
        {"line": 1, "accepted": True, "reason": "ok", "faults": []},
        {
            "line": 2,
            "accepted": False,
            "reason": "too_short",
            "faults": [{"check": "length", "choice": 0, "reason": "too_short"}],
        },
    ]


def test_good_answers_are_exit_code_0(smallfirst: Smallfirst, strict: Path) -> None:
    told = smallfirst(
        "check-answer", "--policy", str(strict), "--tier", "tuned", "-", stdin=orjson.dumps(GOOD).decode()
    )

    assert (told.code, told.out, told.err) == (0, "1: ok\n", "")


def test_a_call_needs_no_words(smallfirst: Smallfirst, strict: Path, tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    file = lines(tmp_path / "answers.jsonl", {"request": ASKED, "answer": {"content": None, "tool_calls": [call]}})

    assert smallfirst("check-answer", "--policy", str(strict), "--tier", "tuned", file).code == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", ":1: each line is"),
        ("[]", ":1: each line is"),
        ('{"request": {}}', ":1 request: Missing required parameter: 'messages'."),
        ('{"request": {"messages": [{"role": "user"}]}, "answer": {"choices": []}}', ":1: each line is"),
        ('{"request": {"messages": [{"role": "user"}]}, "answer": 3}', ":1: each line is"),
    ],
)
def test_what_is_no_answer_is_told_with_its_line(
    smallfirst: Smallfirst, strict: Path, tmp_path: Path, line: str, told: str
) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(line)

    called = smallfirst("check-answer", "--policy", str(strict), "--tier", "tuned", str(file))

    assert called.code == 2
    assert told in called.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tier", "tuned", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
        (("--tier", "tunde", "-"), "no tier named 'tunde'; this policy has tuned, frontier"),
    ],
)
def test_what_is_not_there_is_told(smallfirst: Smallfirst, strict: Path, words: tuple[str, ...], told: str) -> None:
    called = smallfirst("check-answer", "--policy", str(strict), *words)

    assert called.code == 2
    assert told in called.err


def test_a_faulty_policy_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("version: 1\n")

    assert smallfirst("check-answer", "--policy", str(tmp_path / "bad.yaml"), "--tier", "t", "-").code == 2

"""`smallfirst explain`."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.cli.calling import Called
from tests.learning import small

Smallfirst = Callable[..., Called]


def test_a_prompt_is_explained_in_words(smallfirst: Smallfirst, policy: Path) -> None:
    told = smallfirst("explain", "--policy", str(policy), "What is 2 + 2?")

    assert told.code == 0
    assert "starts at   tuned" in told.out
    assert "difficulty  0.200 < 0.300" in told.out
    assert "asks        tuned (small) → frontier (big)" in told.out


def test_a_rule_that_handed_it_on_is_named(smallfirst: Smallfirst, policy: Path) -> None:
    rule = "auto: {rules: [{name: sums, when: {regex: '2 [+] 2'}, route: hard}], "
    other = "\n  hard: {difficulty: 0.9, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}\n"
    policy.write_text(policy.read_text().replace("auto: {", rule) + other)

    told = smallfirst("explain", "--policy", str(policy), "What is 2 + 2?").out

    assert told.splitlines()[0].startswith("route       hard ")
    assert told.splitlines()[1] == "handed on   by auto, rule sums"


def test_the_same_as_json(smallfirst: Smallfirst, policy: Path) -> None:
    document = smallfirst("explain", "--policy", str(policy), "--json", "What is 2 + 2?").document

    assert (document["route"], document["start"], document["reason"]) == ("auto", "tuned", "easy")
    assert document["signals"]["questions"] == 1


def test_the_builtin_model_says_what_moved_it(smallfirst: Smallfirst, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("difficulty: 0.2, ", ""))

    told = smallfirst("explain", "--policy", str(policy), "--json", "What is 2 + 2?")

    assert told.document["because"]
    assert "moved by" in smallfirst("explain", "--policy", str(policy), "What is 2 + 2?").out


def test_what_is_novel_is_explained(smallfirst: Smallfirst, policy: Path) -> None:
    policy.with_name("m.model").write_bytes(small.model_file())
    policy.write_text(policy.read_text().replace("difficulty: 0.2", "difficulty: m.model"))
    call = ("explain", "--policy", str(policy), "Ein Gedicht über den Herbst und seine Blätter, bitte.")

    told, document = smallfirst(*call).out, smallfirst(*call, "--json").document

    assert "because     novel" in told
    assert "novelty     1.000 > 0.99" in told
    assert (document["reason"], document["novelty"], document["scope"]) == ("novel", 1.0, {"novelty": 0.99})


def test_a_body_comes_on_stdin(smallfirst: Smallfirst, policy: Path) -> None:
    body = {"model": "tuned", "messages": [{"role": "user", "content": "hi"}]}

    document = smallfirst("explain", "--policy", str(policy), "--json", stdin=orjson.dumps(body).decode()).document

    assert (document["route"], document["reason"]) == ("tuned", "only")


def test_headers_can_be_tried(smallfirst: Smallfirst, policy: Path) -> None:
    call = ("explain", "--policy", str(policy), "--json", "hi")

    assert smallfirst(*call, "--tier", "frontier").document["reason"] == "forced"
    assert smallfirst(*call, "--threshold", "0.1").document["start"] == "frontier"
    assert smallfirst(*call, "--model", "small").document["route"] == "small"


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (["--model", "atuo", "hi"], "", "no route named 'atuo'; this policy has 'auto'"),
        ([], "{", "stdin: not JSON"),
        ([], "[]", "a request's body is a JSON object"),
        ([], "{}", "Missing required parameter: 'messages'"),
        ([], '{"messages": [], "x": ' + "[" * 300 + "]" * 300 + "}", "not a request: Recursion limit reached"),
        (["\udcff"], "", "not a request: str is not valid UTF-8"),
    ],
)
def test_what_is_wrong_is_told(smallfirst: Smallfirst, policy: Path, words: list[str], stdin: str, told: str) -> None:
    called = smallfirst("explain", "--policy", str(policy), *words, stdin=stdin)

    assert called.code == 2
    assert told in called.err


def test_a_policy_that_is_none_is_told(smallfirst: Smallfirst, tmp_path: Path) -> None:
    called = smallfirst("explain", "--policy", str(tmp_path / "x.yaml"), "hi")

    assert called.code == 2
    assert "no such policy" in called.err

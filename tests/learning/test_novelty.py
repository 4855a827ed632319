"""What a model calls novel, by where prompts come from."""

from collections.abc import Sequence
from dataclasses import replace

from router.learning import novelty
from router.learning.data import Row
from tests.learning.small import model, read


def asked(content: str, task: str) -> list[Row]:
    """Return a row that asks this."""
    (row,) = read(1)
    body = {"messages": [{"role": "user", "content": content}]}
    return [replace(row, task=task, request=replace(row.request, body=body))]


PARTS: dict[str, Sequence[Row]] = {
    "mmlu_dev": asked("May a court hear it?\nA. yes\nB. no\nAnswer:", "mmlu/professional_law"),
    "gsm8k_dev": read(50, seed=5),
    "mixed_dev": asked("Write a function that adds.", "mixed") + asked("Q: There are 3 houses in a row.", "mixed"),
}


def test_groups_are_found_by_task_and_by_text() -> None:
    found = novelty.groups(PARTS)
    assert {name: len(rows) for name, rows in found.items()} == {
        "mmlu": 1, "gsm8k": 50, "mixed": 2, "law": 1, "medicine": 0, "mathematics": 0, "no options": 1, "code": 1,
        "puzzles": 1,
    }  # fmt: skip
    assert found["no options"][0].request.messages[0]["content"] == "May a court hear it?"


def test_its_own_prompts_are_hardly_novel_and_others_are() -> None:
    assert novelty.beyond(model(), PARTS["gsm8k_dev"]) <= 0.1
    assert novelty.beyond(model(), PARTS["mmlu_dev"]) == 1


def test_the_table_has_a_line_for_each_model() -> None:
    parts = {**PARTS, "mmlu_dev": [row for task in ("law", "medicine", "math") for row in asked("x?", task)]}
    title, names, counts, line = novelty.report({"own": model()}, parts)
    assert "0.99" in title
    assert names.split()[:3] == ["mmlu", "gsm8k", "mixed"]
    assert counts.split()[:4] == ["(prompts)", "3", "50", "2"]
    assert line.split()[0] == "own"

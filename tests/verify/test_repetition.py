"""`repetition`."""

import pytest

from tests.verify.answers import made, told, verdict

SENTENCE = "I will look into it for you right away, thank you for your patience. "
PROSE = " ".join(f"Sentence {n} says something about the number {n * 7919 % 1009}." for n in range(80))


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE * 6,
        PROSE + SENTENCE * 6,
        PROSE + SENTENCE * 6 + PROSE,
        "the " * 100,
        "No.\n" * 100,
        (SENTENCE + "And also: " + SENTENCE[::-1]) * 5,
        "好的，我明白了。" * 60,
        "0" * 2000,
    ],
)
def test_a_loop_is_found_wherever_it_is(text: str) -> None:
    assert verdict(made("repetition"), text) == "repetition"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        PROSE,
        SENTENCE * 3,
        "ha " * 12,
        "-" * 400,
        "| 1 | 2 |\n" * 30,
        "\n".join(f"- item {n}" for n in range(200)),
        "\n".join(f'{{"id": {n}, "ok": true}}' for n in range(200)),
        "0, " * 200,
        "    return None\n" * 3,
        "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
    ],
)
def test_what_repeats_by_nature_is_no_loop(text: str) -> None:
    assert verdict(made("repetition"), text) == "ok"


def test_how_long_a_loop_must_be_is_the_operators_to_say() -> None:
    text = SENTENCE * 5

    assert verdict(made({"repetition": {"times": 8}}), text) == "ok"
    assert verdict(made({"repetition": {"characters": 1000}}), text) == "ok"
    assert verdict(made({"repetition": {"times": 2, "characters": 100}}), SENTENCE * 4) == "repetition"


@pytest.mark.parametrize("size", [1, 7, 600])
def test_a_stream_is_cut_off_long_before_its_end(size: int) -> None:
    text = PROSE + SENTENCE * 200

    heard = told(made("repetition"), *(text[at : at + size] for at in range(0, len(text), size)))

    assert heard[-1] == "repetition"
    assert len(heard) * size < len(PROSE) + 3 * 2_400


def test_the_cost_grows_with_the_length_and_nothing_else() -> None:
    """The worst there is: every probe comes again at once, and what follows never does."""
    text = ("a" * 40 + "b") * 3 + PROSE * 50

    assert verdict(made("repetition"), text) in {"ok", "repetition"}

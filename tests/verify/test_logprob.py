"""`logprob`."""

import pytest

from router.chat import Choice
from tests.verify.answers import made, told, verdict


@pytest.mark.parametrize(
    ("bounds", "logprobs", "reason"),
    [
        ({"mean": -1}, (-0.5, -1.4), "ok"),
        ({"mean": -1}, (-0.5, -1.6), "unsure"),
        ({"min": -5}, (-0.1, -4.9), "ok"),
        ({"min": -5}, (-0.1, -5.1), "unsure"),
        ({"share": 0.5, "low": -2}, (-3.0, -1.0), "ok"),
        ({"share": 0.4, "low": -2}, (-3.0, -1.0), "unsure"),
        ({"share": 0, "low": -2}, (-1.0, -1.0), "ok"),
        ({"mean": -1}, (), "ok"),
    ],
)
def test_how_sure_a_model_was(bounds: dict[str, float], logprobs: tuple[float, ...], reason: str) -> None:
    assert verdict(made({"logprob": bounds}), Choice("stop", "x", logprobs=logprobs)) == reason


def test_only_the_end_can_tell() -> None:
    assert told(made({"logprob": {"mean": -1}}), "x") == [None]

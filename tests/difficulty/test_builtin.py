"""The model that ships."""

from importlib.resources import files

from router import signals
from router.chat import ChatRequest
from router.difficulty import Estimate, builtin

EASY = "What colour is the sky?"
HARD = (
    "Prove that if $f$ is holomorphic on the unit disc with $|f(z)| \\leq 1$ and $f(0) = 0$, then $|f'(0)| \\leq 1$; "
    "find every $f$ for which equality holds and compute $\\int_0^1 f(x)^2 dx$ in each case."
)


def estimate(text: str, *tiers: str) -> Estimate:
    request = ChatRequest({"messages": [{"role": "user", "content": text}]}, model="auto")
    return builtin(tiers)(request, signals.read(request))


def test_it_tells_the_plainly_easy_from_the_plainly_hard() -> None:
    easy, hard = estimate(EASY, "tuned", "frontier"), estimate(HARD, "tuned", "frontier")
    assert easy.difficulty[0] < hard.difficulty[0]
    assert easy.band < hard.band


def test_tiers_are_mapped_by_position_and_those_between_lie_between() -> None:
    two, three = estimate(HARD, "small", "large"), estimate(HARD, "s", "m", "l")
    assert three.p_good[::2] == two.p_good
    assert three.p_good[0] < three.p_good[1] < three.p_good[2]
    assert three.difficulty[-1] == 0.0


def test_one_tier_gets_one_estimate() -> None:
    assert len(estimate(EASY, "only").p_good) == 1


def test_the_empty_and_the_huge_are_estimated_too() -> None:
    for text in ("", " ", "?", "x", "a" * 1_000_000, "word " * 100_000, "法国的首都是哪里？"):
        one = estimate(text, "tuned", "frontier")
        assert all(0 <= p <= 1 for p in one.p_good)
        assert 0 <= one.band <= 9


def test_shares_and_thresholds_answer_each_other() -> None:
    model = builtin(("tuned", "frontier")).model
    assert len(model.band_edges) == 9
    assert list(model.band_edges) == sorted(model.band_edges)
    assert abs(model.share(model.threshold(0.6)) - 0.6) < 0.02
    assert model.share(0.0) < 0.5
    assert model.share(1.0) > 0.98


def test_it_does_not_care_how_a_request_is_typed() -> None:
    for text in (EASY, HARD):
        assert estimate(text.upper(), "a", "b").difficulty == estimate(text.lower(), "a", "b").difficulty


def test_it_says_what_moved_it() -> None:
    request = ChatRequest({"messages": [{"role": "user", "content": HARD}]}, model="auto")

    told = builtin(("tuned", "frontier")).model.explain(request, signals.read(request))

    assert {name for name, _ in told} == {"words", "commas", "negations"}
    assert [abs(moved) for _, moved in told] == sorted((abs(moved) for _, moved in told), reverse=True)


def test_a_longer_request_is_never_easier() -> None:
    difficulties = [estimate("word " * count, "a", "b").difficulty[0] for count in range(1, 400)]

    assert difficulties == sorted(difficulties)


def test_it_is_small() -> None:
    package = files("router.difficulty")
    assert sum(len(package.joinpath(name).read_bytes()) for name in ("builtin.json", "words.model")) < 5_000_000

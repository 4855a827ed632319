"""Measure everything that is claimed about difficulty: `make bench-quality SMALLFIRST_DATA=FOLDER`.

Every model is trained on a training part alone and judged on the development part of the same source; the shipped
model's recipe is judged on sources it was not trained on, by leaving one out at a time. Development parts are small:
every figure comes with its 95 % bootstrap interval.
"""

import sys
import timeit
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from router import signals
from router.calibration import Sample, calibrate
from router.chat import ChatRequest
from router.clock import SYSTEM
from router.difficulty import Builtin, builtin
from router.difficulty.builtin import plain
from router.difficulty.model import Model
from router.learning import builtin as builtin_recipe
from router.learning import figures, novelty, redraw, train
from router.learning.calibrate import thresholds
from router.learning.data import Row, Tally, sample
from router.learning.robustness import robustness
from router.learning.score import DEFAULT_TIERS, Judged, judged

SOURCES: Final = ("mmlu", "gsm8k", "mixed")
TRAINED: Final = (
    ("MMLU", "mmlu", 5_000, 6),
    ("MMLU", "mmlu", 1_500, 10),
    ("GSM8K", "gsm8k", 500, 30),
    ("mixed", "mixed", 3_000, 8),
)
"""What is trained: its name, its source, from how many labels, and how often on other draws of them."""
HOME: Final = (("gsm8k", 500), ("mmlu", 5_000), ("mixed", 3_000))
"""The models whose novelty is measured: each source, and all its labels."""
SAMPLES: Final = 300
SAMPLE_SIZE: Final = 1_000
_EVERYTHING: Final = 1_000_000
_ROWS_SHAKEN: Final = 200


def main(folder: Path) -> None:
    """Print all figures for the data in `folder`."""
    if not all((folder / f"{source}_dev.jsonl.gz").exists() for source in SOURCES):
        sys.stderr.write(f"bench-quality: no outcome data in '{folder}'; say SMALLFIRST_DATA=FOLDER\n")
        sys.exit(2)
    for line in report(folder):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def report(folder: Path) -> Iterator[str]:
    """Yield the report, line by line."""
    parts = {name: rows(folder, name) for source in SOURCES for name in (f"{source}_train", f"{source}_dev")}
    yield "trained on the training part alone, judged on the development part"
    models = {}
    for name, source, count, _ in TRAINED:
        taken = some(parts[f"{source}_train"], count)
        models[source, count] = model = fitted(taken)
        folds = f"  (on its own folds: APGR {model.training['apgr']:.3f})"
        yield _figures(f"{name}, {count:,} labels", judged(model, parts[f"{source}_dev"])) + folds
    yield "both parts pooled and drawn anew, many times"
    for name, source, count, times in TRAINED:
        train_part, dev = parts[f"{source}_train"], parts[f"{source}_dev"]
        yield from redraw.report(f"{name}, {count:,} labels", train_part + dev, (count, len(dev)), times)
    yield "the shipped recipe on a source that was left out"
    for source in SOURCES:
        others = {other: parts[f"{other}_train"] for other in SOURCES if other != source}
        shipped = Builtin(plain(builtin_recipe.fit(others, today=date.min)), DEFAULT_TIERS)
        yield _figures(source, judged(shipped, parts[f"{source}_dev"] + parts[f"{source}_train"]))
    yield "the shipped model on the development parts of its own sources"
    for source in SOURCES:
        yield _figures(source, judged(builtin(DEFAULT_TIERS), parts[f"{source}_dev"]))
    yield from novelty.report({source: models[source, count] for source, count in HOME}, parts)
    mixed = judged(models["mixed", 3_000], parts["mixed_dev"])
    yield _floor(models["mixed", 3_000], mixed)
    yield "robustness of the shipped model on mixed: mean move in standard deviations, share that changes sides"
    for change, moved in robustness(builtin(DEFAULT_TIERS), some(parts["mixed_dev"], _ROWS_SHAKEN)).items():
        yield f"  {change:30} {moved['moved']:.2f}   {moved['flipped']:.1%}"
    yield _speed("a trained model", models["mixed", 3_000], parts["mmlu_dev"])
    yield _speed("the shipped model", builtin(DEFAULT_TIERS), parts["mmlu_dev"])


def rows(folder: Path, name: str) -> list[Row]:
    """Return the rows of one part."""
    return sample([folder / f"{name}.jsonl.gz"], DEFAULT_TIERS, Tally(), most=_EVERYTHING, seed=0)


def some(of: Sequence[Row], count: int) -> list[Row]:
    """Return `count` random rows, the same every time."""
    return [of[place] for place in np.random.default_rng(0).permutation(len(of))[:count].tolist()]


def fitted(taken: Sequence[Row]) -> Model:
    """Return a model of these rows."""
    return train.model(*train.fit(taken, DEFAULT_TIERS))


def _figures(name: str, seen: Judged) -> str:
    found = figures.held_out(seen.rows, seen.p_good, seen.scores, DEFAULT_TIERS, seed=0)
    low, high = found["intervals"]["apgr"]
    return (
        f"  {name:22} n {found['n']:5,}  APGR {found['apgr']:.3f} [{low:.3f}, {high:.3f}]  CPT50 {found['cpt50']:.1%}  "
        f"CPT80 {found['cpt80']:.1%}  length {found['baselines']['length']:.3f}  "
        f"ECE {found['ece']:.3f} (perfect: to {found['ece_when_perfect']:.3f})  {found['verdict']}"
    )


def _floor(model: Model, population: Judged) -> str:
    """Draw many samples from a population, calibrate on each, and see how often the population's floor is missed."""
    everyone = Sample(population.difficulty, population.scores[:, 0], population.scores[:, -1])
    floor, choices = 0.9, thresholds(model)
    wanted = floor * everyone.last.mean()
    best = max((everyone.difficulty < t).mean() for t in choices if everyone.served(t).mean() >= wanted)
    missed, shares = 0, []
    for seed in range(SAMPLES):
        drawn = np.random.default_rng(seed).integers(0, len(everyone.last), SAMPLE_SIZE)
        seen = Sample(everyone.difficulty[drawn], everyone.first[drawn], everyone.last[drawn])
        chosen = calibrate(seen, choices, floor=floor, confidence=0.95).threshold
        missed += bool(everyone.served(chosen).mean() < wanted)
        shares.append((everyone.difficulty < chosen).mean())
    return (
        f"floor 0.90 at 95 % on mixed: missed in {missed / SAMPLES:.1%} of {SAMPLES} samples of {SAMPLE_SIZE:,}; "
        f"starts {np.mean(shares):.1%} low, {np.mean(shares) / best:.2f} of the best threshold's {best:.1%}"
    )


def _speed(name: str, model: Model | Builtin, of: Sequence[Row]) -> str:
    """Return the CPU time of an estimate, signals aside: forty texts in turn, the best of twenty rounds."""
    prose = " ".join(signals.subject(row.request) for row in of[:200])
    told: list[str] = []
    for length in (500, 10_000):
        texts = [prose[start : start + length] for start in range(0, 20_000, 500)]
        asked = [ChatRequest({"messages": [{"role": "user", "content": text}]}, model="") for text in texts]
        known = [(request, signals.read(request)) for request in asked]
        seconds = min(timeit.repeat(partial(_estimate, model, known), timer=SYSTEM.cpu, number=1, repeat=20))
        told.append(f"{length:,} characters {seconds / len(known) * 1e6:.0f} µs")
    return f"CPU time of one estimate of {name}: " + ", ".join(told)


def _estimate(model: Model | Builtin, known: Sequence[tuple[ChatRequest, signals.Signals]]) -> None:
    for request, facts in known:
        model(request, facts)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ""))

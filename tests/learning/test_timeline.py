"""Thresholds over time as a picture."""

from dataclasses import replace
from pathlib import Path

from router.learning.timeline import timeline
from router.simulation.run import run
from router.simulation.scenarios import SCENARIOS


def test_it_is_a_picture_of_every_run(tmp_path: Path) -> None:
    runs = {name: run(replace(SCENARIOS[name], calm=calm, windows=4), 0) for name, calm in (("price", 4), ("slow", 4))}
    timeline(runs, tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")

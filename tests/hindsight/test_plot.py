"""Cost and quality over thresholds, as a picture."""

from pathlib import Path

from router.hindsight.plot import plot
from router.hindsight.replay import replay
from tests.hindsight.lines import recorded
from tests.hindsight.test_replay import at, world


def test_a_picture_is_drawn_with_what_is_unknown_left_out(tmp_path: Path) -> None:
    found = replay(recorded(tmp_path / "records", world(1, 300, explores=0.0)), at(0.4))

    plot(found, tmp_path / "out.png")

    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"

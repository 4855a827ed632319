"""Many divisions of the same rows."""

from router import signals
from router.learning import redraw
from tests.learning.small import read


def test_a_draw_divides_rows_by_their_text_and_is_the_same_every_time() -> None:
    rows = read(300)
    seen, unseen = redraw.pair(rows, 200, 60, number=1)
    assert (len(seen), len(unseen)) == (200, 60)
    both = {signals.subject(row.request) for row in seen} & {signals.subject(row.request) for row in unseen}
    assert len(both) <= 1
    assert redraw.pair(rows, 200, 60, number=1) == (seen, unseen)
    assert redraw.pair(rows, 200, 60, number=2) != (seen, unseen)


def test_the_report_gives_a_mean_and_how_sure_it_is() -> None:
    (line,) = redraw.report("made up", read(300), (200, 100), times=2)
    assert "2 draws of 200 + 100: APGR 0." in line
    assert "±" in line

"""What is looked at is what was running, and what is drawn can be read."""

import time
from collections import Counter
from xml.etree import ElementTree as ET

from bench.flame import own_time, sampled
from bench.flame_svg import drawn


def busy(until: float) -> int:
    turns = 0
    while time.process_time() < until:
        turns += 1
    return turns


def test_what_runs_is_seen() -> None:
    with sampled() as found:
        busy(time.process_time() + 0.1)

    name, share = own_time(found)[0]
    assert name == "tests.bench.test_flame.busy"
    assert share > 0.5


def test_the_share_of_a_function_is_what_it_did_itself() -> None:
    assert own_time(Counter({("a",): 1, ("a", "b"): 3})) == [("b", 0.75), ("a", 0.25)]


def test_a_box_is_as_wide_as_the_time_below_it_and_stands_on_its_caller() -> None:
    picture = ET.fromstring(drawn({("router.a.<f>", "b"): 3, ("router.a.<f>", "c"): 1}, "a & b"))

    boxes = {}
    for group in picture.iter("{http://www.w3.org/2000/svg}g"):
        title, box = list(group)[:2]
        boxes[title.text] = (float(box.attrib["x"]), float(box.attrib["width"]), int(box.attrib["y"]))
    assert set(boxes) == {"router.a.<f>: 100.0 %", "b: 75.0 %", "c: 25.0 %"}
    whole, wide, narrow = (boxes[name] for name in ("router.a.<f>: 100.0 %", "b: 75.0 %", "c: 25.0 %"))
    assert wide[1] == 3 * narrow[1] == 0.75 * whole[1]
    assert narrow[0] == wide[0] + wide[1]
    assert whole[2] > wide[2] == narrow[2]

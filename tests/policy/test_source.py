"""Where a policy came from."""

from router.policy.source import FieldPath, Place, Source, nearest, spelled


def test_a_path_is_spelled_as_one_reads_it() -> None:
    assert spelled(("routes", "auto", "cascade", 0, "below")) == "routes.auto.cascade[0].below"
    assert spelled(()) == ""
    assert spelled((2,)) == "[2]"


def test_an_unknown_place_is_that_of_the_block_around_it() -> None:
    places: dict[FieldPath, Place] = {(): ("p", 1), ("routes",): ("p", 5)}

    assert nearest(places, ("routes", "auto", "deadline")) == ("p", 5)
    assert nearest(places, ("cache",)) == ("p", 1)
    assert nearest({}, ("cache",)) == ("", 0)
    assert Source(places=places).where(("routes",)) == ("p", 5)

"""A run of the twins that was made up, for those who tell of runs."""

from router.demo.chronicle import Chronicle, Moved, Phase, Round, Side, phases


def side(quality: float, threshold: float = 0.17) -> Side:
    return Side(quality, low=2 * threshold, cost_usd=0.0002, threshold=threshold, errors=0)


def rounds() -> tuple[Round, ...]:
    told: list[tuple[Phase, Side]] = [
        ("healthy", side(0.93)),
        ("healthy", side(0.93)),
        ("broken", side(0.5)),
        ("broken", side(0.5)),
        ("broken", side(0.92, 0.05)),
        ("broken", side(0.92, 0.05)),
        ("repaired", side(0.93)),
    ]
    return tuple(
        Round(number, phase, 2.0 * number, steered, side(0.5 if phase == "broken" else 0.93))
        for number, (phase, steered) in enumerate(told, start=1)
    )


def chronicle(**changed: object) -> Chronicle:
    moves = (
        Moved(8.5, 0.17, 0.05, "quality", 312, (0.5, 0.1), "the quality floor does not hold here"),
        Moved(12.1, 0.05, 0.17, "rollback", None, None, "taken back"),
    )
    facts = {
        "requests": 1050,
        "errors": 0,
        "floor": 0.95,
        "frontier_quality": 0.947,
        "rounds": rounds(),
        "moves": moves,
    }
    return Chronicle(**{**facts, "phases": phases(rounds()), **changed})  # type: ignore[arg-type]

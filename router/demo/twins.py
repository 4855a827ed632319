"""Two servers with the same two fake models, one of which moves its threshold; and a small model that breaks.

Round by round each of them gets every request of the workload. Whoever asked grades the answer by the rule that stands
beside the question, and says so (`POST /v1/feedback`): that is all the evidence there is.
"""

import contextlib
from asyncio import gather
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Final

from router.clock import SYSTEM, Clock
from router.demo.breaking import Breakable
from router.demo.chronicle import Chronicle, Moved, Phase, Round, phases, score, side_of
from router.demo.recorded import RecordedAnswers
from router.demo.run import Served, drive, tell
from router.demo.show import FRONTIER, TUNED
from router.demo.upstream import FakeUpstream
from router.demo.workload import Row
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

__all__ = ["SCRIPT", "Twins", "twinned"]

ROUTE, FIRST, LAST = "auto", "tuned", "frontier"
Script = Sequence[tuple[Phase, int, float]]
"""Phases, with the rounds and the seconds that each has at least."""
SCRIPT: Final[Script] = (("healthy", 4, 8.0), ("broken", 8, 26.0), ("repaired", 2, 0.0))
_STRIDE: Final = 37
"""Each round begins elsewhere in the workload: requests come in another order."""
_AT_ONCE: Final = 30
"""Requests after which their answers are judged."""


@dataclass(frozen=True, slots=True)
class _Server:
    service: Service
    base_url: str

    @property
    def threshold(self) -> float:
        """What is in force for the first tier."""
        route = self.service.pipeline.plan.routes[ROUTE]
        return self.service.helm.thresholds.now(ROUTE, route.state).get(FIRST, route.cascade[0].below)


class Twins:
    """Both servers, running."""

    def __init__(self, steered: _Server, fixed: _Server, tuned: Breakable, clock: Clock) -> None:
        self._steered = steered
        self._fixed = fixed
        self._tuned = tuned
        self._clock = clock

    async def play(
        self,
        rows: Sequence[Row],
        script: Script | None = None,
        told: Callable[[Round | Moved], None] = lambda _: None,
    ) -> Chronicle:
        """Play the phases; `told` hears of each round and each move as it happens.

        When the small model is repaired, every move is taken back as `smallfirst thresholds rollback` does.
        """
        begun, wall = self._clock.now(), self._clock.wall()
        rounds, moves = list[Round](), list[Moved]()
        for phase, least, seconds in script or SCRIPT:
            await self._enter(phase)
            since, last = self._clock.now(), len(rounds) + least
            while len(rounds) < last or self._clock.now() - since < seconds:
                rounds.append(await self._round(rows, len(rounds), phase, begun))
                for moved in self._moves(wall)[len(moves) :]:
                    moves.append(moved)
                    told(moved)
                told(rounds[-1])
        return self._chronicle(rows, rounds, moves)

    def _chronicle(self, rows: Sequence[Row], rounds: list[Round], moves: list[Moved]) -> Chronicle:
        graded = [row for row in rows if row.expected is not None]
        plan = self._steered.service.pipeline.plan
        steering = plan.routes[ROUTE].steering
        floor = steering.ground.aims.floor if steering else None
        return Chronicle(
            requests=len(rounds) * len(rows),
            errors=sum(one.steered.errors + one.fixed.errors for one in rounds),
            floor=floor.min if floor else 0.0,
            frontier_quality=round(fmean(row.outcomes[LAST].score for row in graded), 6),
            rounds=tuple(rounds),
            moves=tuple(moves),
            phases=phases(rounds),
        )

    async def _round(self, rows: Sequence[Row], number: int, phase: Phase, begun: float) -> Round:
        at = number * _STRIDE % len(rows)
        ordered = [*rows[at:], *rows[:at]]
        thresholds = self._steered.threshold, self._fixed.threshold
        steered, fixed = await gather(*(_ask(server, ordered) for server in (self._steered, self._fixed)))
        return Round(
            number + 1,
            phase,
            round(self._clock.now() - begun, 3),
            side_of(steered, thresholds[0], FIRST),
            side_of(fixed, thresholds[1], FIRST),
        )

    def _moves(self, begun: float) -> list[Moved]:
        service = self._steered.service
        history = service.helm.thresholds.board(ROUTE).held(service.pipeline.plan.routes[ROUTE].state).history
        return [
            Moved(
                round(one.at - begun, 3),
                one.before,
                one.after,
                one.cause,
                round(one.numbers["labels"]) if "labels" in one.numbers else None,
                _shares(one.numbers),
                one.told,
            )
            for one in history
        ]

    async def _enter(self, phase: Phase) -> None:
        """Break the small model, or repair it and take every move back, the last one first."""
        self._tuned.broken = phase == "broken"
        if phase != "repaired":
            return
        service = self._steered.service
        state = service.pipeline.plan.routes[ROUTE].state
        for _ in service.helm.thresholds.board(ROUTE).held(state).history:
            now = self._clock.wall()
            await service.helm.thresholds.edit(ROUTE, lambda board, now=now: board.rolled_back(state, now))  # type: ignore[misc]


def _shares(numbers: Mapping[str, float]) -> tuple[float, float] | None:
    if not {"share_before", "share_after"} <= set(numbers):
        return None
    return round(numbers["share_before"], 6), round(numbers["share_after"], 6)


async def _ask(server: _Server, rows: Sequence[Row]) -> tuple[Served, ...]:
    everything: tuple[Served, ...] = ()
    for at in range(0, len(rows), _AT_ONCE):
        served = await drive(server.base_url, rows[at : at + _AT_ONCE])
        await tell(server.base_url, {one.headers["x-request-id"]: score(one) for one in served if one.tier is not None})
        everything += served
    return everything


@contextlib.asynccontextmanager
async def twinned(rows: Sequence[Row], clock: Clock = SYSTEM) -> AsyncIterator[Twins]:
    """Start the fakes and both servers, and stop them again."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="smallfirst-demo-")))
        policy = folder / "policy.yaml"
        policy.write_bytes(files("router.demo").joinpath("steered.yaml").read_bytes())
        breakable = Breakable(rows, FIRST)
        tuned = await stack.enter_async_context(FakeUpstream(breakable, latency=TUNED))
        frontier = await stack.enter_async_context(FakeUpstream(RecordedAnswers(rows, LAST), latency=FRONTIER))
        addresses = {"DEMO_TUNED_URL": tuned.base_url, "DEMO_FRONTIER_URL": frontier.base_url}

        async def serve(mode: str) -> _Server:
            environment = {**addresses, "DEMO_MODE": mode, "DEMO_STATE": str(folder / mode)}
            service = Service(policy, Settings(signing_key=clock.token(32).hex(), environment=environment))
            return _Server(service, await stack.enter_async_context(running(service)))

        yield Twins(await serve("apply"), await serve("observe"), breakable, clock)

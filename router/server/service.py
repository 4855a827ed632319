"""A policy at work: what requests are served with, and the swap when the policy changes."""

import asyncio
from pathlib import Path

from router.cache import Answers
from router.clock import SYSTEM, Clock
from router.errors import Unavailable
from router.flights import Flights
from router.limits import Limits
from router.log import AccessLog, line, say
from router.metrics import Metrics
from router.pipeline import Memory, Pipeline
from router.plan import Plan
from router.policy import schema
from router.policy.limits import allowance
from router.server.books import Books
from router.server.breakers import Breakers
from router.server.decisions import Decisions
from router.server.feedback import Intake
from router.server.helm import Helm
from router.server.reading import CannotServe, Reading, guard, open_shared
from router.server.reloads import Reloads, overlooked
from router.server.signing import Signing
from router.server.watch import EVERY
from router.server.workers import ALONE, Worker
from router.sessions import Sessions
from router.settings import Settings
from router.shadow import Shadows, Told
from router.store import Folder
from router.traces import Traces, wanted
from router.upstream.connect import connect
from router.upstream.pool import Pool
from router.upstream.reply import Sink

__all__ = ["CannotServe", "Service"]


_RETENTION: float = schema.Records.model_fields["retention"].default


class Service:
    """One policy, its plan, its deployments, its keys, and those who count."""

    def __init__(
        self,
        path: Path,
        settings: Settings,
        *,
        log: AccessLog | None = None,
        clock: Clock = SYSTEM,
        worker: Worker = ALONE,
    ) -> None:
        """Read the policy and put it to work.

        Raises:
            CannotServe: the policy, or something it names, cannot be used.
        """
        self._settings, self._clock, self._worker = settings, clock, worker
        self._reloading = asyncio.Lock()
        self.inflight = 0
        self.stopping = False
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloads = Reloads(path, settings, clock, worker)
        read = self._reloads.read()
        self.policy, self.keyring = read.policy, read.keyring
        policy, plan = read.policy, read.plan
        self.metrics = Metrics(lambda: self.inflight, worker.sheets, worker.sheet, shared=lambda: self.store.up)
        self.metrics.store(read.store)
        self.store = open_shared(policy, clock, restarted=self.metrics.redis_restarted)
        self.decisions = Decisions(self.store)
        self._signing = Signing(policy.path(policy.state.path), settings, self.store, clock)
        signer = self._signing.signer
        self.intake = Intake(signer, self.store, self.decisions)
        self.books = Books(self.metrics, self.decisions, self.intake, clock)
        self._traces = self._traced()
        sinks = self._sinks(log)
        self.shadows = self._shadows(sinks)
        self._breakers = Breakers(self.store, clock)
        self._breakers.adopt(pool := Pool.of(plan.deployments, connect, None))
        self.answers = Answers(self.store, memory=policy.cache.memory, secret=policy.cache.key, clock=clock)
        self._flights = Flights(self.answers, self.store, clock)
        learned = Folder(policy.path(policy.state.path) / "learned")
        self.limits = Limits(self.store, clock, folder=learned, shed=self.metrics.shed, say=say)
        memory = Memory(self._flights, Sessions(self.store, clock), self.limits)
        self.pipeline = Pipeline(plan, pool, signer, sinks, clock, memory=memory)
        self.helm = Helm(policy, self.store, self.metrics, clock, self.books.move)
        self.pipeline.traced = self._traces.rate if self._traces else None
        self.pipeline.thresholds = self.helm.thresholds.now
        self.pipeline.alone, self.pipeline.meanwhile = lambda: self.inflight <= 1, self.books.meanwhile
        self.books.learners.append(self.metrics.control.judged)
        self._shows(plan)
        self.books.adopt(policy, plan)
        self._reloads.caution(read.cautions)

    def _sinks(self, log: AccessLog | None) -> list[Sink]:
        """Who hears of a request when it has ended."""
        if log is not None:
            self.metrics.count_log(lambda: log.dropped)
            self.books.others.append(lambda outcome: log.append(line(outcome)))
        if self._traces is not None:
            self.books.others.append(self._traces.record)
        return [self.books.outcome]

    def _traced(self) -> Traces | None:
        """Who takes traces, if the environment names somebody."""
        if not wanted(self._settings.environment):
            return None
        try:
            return Traces(self._settings.environment)
        except ImportError:
            self._say("OTEL_EXPORTER_OTLP_ENDPOINT: traces need: pip install 'smallfirst[otel]'; none are sent")
            return None

    def admit(self) -> None:
        """Let a request in, which is counted as being answered by now.

        Raises:
            Unavailable: there are too many; whoever is being answered has a better chance without this one.
        """
        if self.inflight > self.pipeline.plan.max_inflight:
            self.metrics.shed("inflight")
            told = "too many requests at once; try again in a second, or raise server.max_inflight"
            raise Unavailable(told, code="overloaded", headers={"retry-after": "1"})

    async def begin(self) -> None:
        """Connect to what is shared, and read what is in force, before the first request."""
        await self.store.begin()
        await self._signing.begin()
        await self.helm.begin(self.policy, self.pipeline.plan)
        self.answers.listen()
        await self._breakers.begin()

    @property
    def retention(self) -> float:
        """Seconds for which records are kept, or would be; what is said twice within them counts once."""
        return self.policy.records.retention if self.policy.records else _RETENTION

    @property
    def watches(self) -> bool:
        """Whether the settings want the policy to be watched."""
        return self._settings.watch == "on"

    @property
    def drain(self) -> int:
        """Seconds that streams get to finish when the server is told to stop."""
        return self._settings.drain

    async def watch(self, every: float = EVERY) -> None:
        """Read the policy again whenever it, or a file it names, has changed; never ends by itself."""
        await self._reloads.watch(self.reload, every)

    async def show(self, every: float) -> None:
        """Let the other workers see this one's gauges; never ends by itself."""
        while True:
            self.metrics.refresh()
            await asyncio.sleep(every)

    async def reload(self) -> bool:
        """Read the policy again and serve what comes from now on with it; a bad one is refused, told, and counted."""
        async with self._reloading:  # whoever asks last has the last word
            try:
                with overlooked():
                    read = await self._reloads.read_aside()
                    before = self.pipeline.pool
                    await self._adopt(read)
            except CannotServe as error:
                self._refuse(str(error))
                return False
        retiring = asyncio.create_task(before.retire(keep=self.pipeline.pool))  # as long as its last stream takes
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        return True

    async def _adopt(self, read: Reading) -> None:
        """Serve what comes from now on with another policy."""
        plan = read.plan
        if read.policy.cache.url != self.policy.cache.url:
            say("cache.url has changed: what is shared stays where it is until the next start")
        pool = Pool.of(plan.deployments, connect, self.pipeline.pool)
        self._breakers.adopt(pool)
        self.policy, self.keyring = read.policy, read.keyring
        self.answers.serve(read.policy.cache.memory, read.policy.cache.key)
        self.pipeline.swap(plan, pool)
        self._shows(plan)
        self.books.adopt(read.policy, plan)
        await self.helm.adopt(read.policy, plan)
        self.metrics.reloaded("ok")
        self._say(f"policy {plan.version} is in force")
        self._reloads.caution(read.cautions)

    def _refuse(self, told: str) -> None:
        self.metrics.reloaded("refused")
        self._say(f"the new policy is refused, {self.pipeline.plan.version} stays in force:")
        for text in told.splitlines():
            self._say(text)

    def _say(self, told: str) -> None:
        say(self._worker.name + told)

    async def aclose(self) -> None:
        """Give up what is asked aside; close every connection to a deployment, the books, and what is shared."""
        await self.shadows.aclose()
        await self._flights.aclose()
        await asyncio.gather(self.pipeline.pool.retire(), *self._retiring)
        await self.limits.aclose()
        await self.helm.aclose()
        await self._signing.aclose()
        await self.books.aclose()
        await self.store.aclose()
        self._reloads.close()
        if self._traces is not None:
            await self._traces.aclose()

    def may_listen_on(self, host: str) -> None:
        """Refuse to be reachable from elsewhere without keys, now and after every reload.

        Raises:
            CannotServe: there are no keys, and the address is not loopback.
        """
        guard(self.keyring, host)
        self._reloads.only_for(host)

    def _shadows(self, sinks: list[Sink]) -> Shadows:
        """Those who look at requests after they were served, each worker with its share of the dollars."""
        told = Told(self.books.aside, self.books.evidence, self.metrics.escalation)
        shadows = Shadows(told, self._clock, share=1 / self._worker.count)
        sinks.append(shadows.offer)
        return shadows

    def _shows(self, plan: Plan) -> None:
        """Let shadows, metrics, traces and limits know a plan."""
        self.pipeline.anybody = allowance(self.policy.limits, None, {}) if self.keyring is None else None
        if self._traces is not None:
            self._traces.serve(plan)
        self.shadows.serve(plan, self.pipeline.pool)
        self.metrics.serve(plan, self._up, self.helm.thresholds.now, self.helm.frozen)

    def _up(self, deployment: str) -> bool:
        member = self.pipeline.pool.members.get(deployment)
        return member is not None and member.breaker.allows(self._clock.now())

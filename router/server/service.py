"""A policy at work: what requests are served with, and the swap when the policy changes."""

import asyncio
from ipaddress import ip_address
from pathlib import Path

from router import assembly, ids
from router.assembly import AssemblyError
from router.cautions import cautions
from router.clock import SYSTEM, Clock
from router.keys import Keyring, KeysError
from router.log import AccessLog, line, say
from router.metrics import Metrics
from router.outcome import Evidence, Outcome, fields
from router.pipeline import Pipeline
from router.plan import Plan
from router.policy import Policy, PolicyError
from router.records import Keeping, Recorder
from router.settings import Settings
from router.upstream.connect import UnknownProviderError, connect, prepare
from router.upstream.pool import Pool
from router.upstream.reply import Sink

__all__ = ["CannotServe", "Service"]


class CannotServe(Exception):
    """What keeps a server from starting, or from taking a new policy; says what to do."""


class Service:
    """One policy, its plan, its deployments, its keys, and those who count."""

    def __init__(self, path: Path, settings: Settings, *, log: AccessLog | None = None, clock: Clock = SYSTEM) -> None:
        """Read the policy and put it to work.

        Raises:
            CannotServe: the policy, or something it names, cannot be used.
        """
        self._path = path
        self._settings = settings
        self._clock = clock
        self._host: str | None = None
        self._reloading = asyncio.Lock()
        self.inflight = 0
        self.stopping = False
        policy, plan, self.keyring = self._read()
        self.policy = policy
        self.metrics = Metrics(lambda: self.inflight)
        sinks: list[Sink] = [self.metrics.record, self._record]
        if log is not None:
            sinks.append(lambda outcome: log.append(line(fields(outcome))))
        pool = Pool.of(plan.deployments, connect, None)
        self.pipeline = Pipeline(plan, pool, self._signer(policy), sinks, clock)
        self.metrics.serve(plan, self._up)
        self._recorder: Recorder | None = None
        self._record_as(policy, plan)
        self._cautioned: set[str] = set()
        self._caution(policy, plan)

    async def reload(self) -> bool:
        """Read the policy again and serve what comes from now on with it; a bad one is refused, told, and counted."""
        async with self._reloading:  # whoever asks last has the last word
            before = await self._reload()
        if before is None:
            return False
        await before.retire(keep=self.pipeline.pool)
        return True

    async def _reload(self) -> Pool | None:
        """Swap; gives the pool that was in force until now, or None when it stays in force."""
        try:
            policy, plan, keyring = await asyncio.to_thread(self._read)
            _guard(keyring, self._host)
        except CannotServe as error:
            self.metrics.reloaded("refused")
            say(f"the new policy is refused, {self.pipeline.plan.version} stays in force:")
            for text in str(error).splitlines():
                say(text)
            return None
        before = self.pipeline.pool
        pool = Pool.of(plan.deployments, connect, before)
        self.policy, self.keyring = policy, keyring
        self.pipeline.swap(plan, pool)
        self.metrics.serve(plan, self._up)
        if (retired := self._record_as(policy, plan)) is not None:
            await asyncio.to_thread(retired.close)
        self.metrics.reloaded("ok")
        say(f"policy {plan.version} is in force")
        self._caution(policy, plan)
        return before

    async def aclose(self) -> None:
        """Close every connection to a deployment, and see that what was recorded is on the disk."""
        await self.pipeline.pool.retire()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)

    def learned(self, evidence: Evidence) -> None:
        """Hand on what was found out about a tier's answer to whoever counts it."""
        if self._recorder is not None:
            self._recorder.evidence(evidence)

    def may_listen_on(self, host: str) -> None:
        """Refuse to be reachable from elsewhere without keys, now and after every reload.

        Raises:
            CannotServe: there are no keys, and the address is not loopback.
        """
        _guard(self.keyring, host)
        self._host = host

    def _read(self) -> tuple[Policy, Plan, Keyring | None]:
        try:
            policy, plan = assembly.read(self._path, self._settings.environment, now=self._clock.wall())
            keyring = Keyring.read(policy.path(policy.auth.keys)) if policy.auth else None
            prepare(plan.deployments.values())
        except (PolicyError, AssemblyError, KeysError, UnknownProviderError) as error:
            raise CannotServe(str(error)) from error
        return policy, plan, keyring

    def _caution(self, policy: Policy, plan: Plan) -> None:
        """Say what `smallfirst check` warns about thresholds: each caution once, and again when it has come back."""
        found = cautions(policy, plan)
        for caution in found:
            if caution not in self._cautioned:
                say(f"warning: {caution}")
        self._cautioned = set(found)

    def _record(self, outcome: Outcome) -> None:
        """Keep a record of one request, where the policy says so."""
        if (recorder := self._recorder) is not None:
            recorder.outcome(outcome)
            self.metrics.records_dropped(recorder.dropped)

    def _record_as(self, policy: Policy, plan: Plan) -> Recorder | None:
        """Record as this policy says from now on; gives the recorder that is in use no more, to be closed."""
        before, spec = self._recorder, policy.records
        keeping = Keeping(policy.path(spec.path), spec.retention, spec.segment, spec.flush) if spec else None
        if before is None or spec is None or (before.keeping, before.content) != (keeping, spec.content):
            self._recorder = Recorder(keeping, spec.content, self._clock, say) if keeping and spec else None
        if self._recorder is not None:
            self._recorder.serve(plan)
        return before if before is not self._recorder else None

    def _signer(self, policy: Policy) -> ids.Signer:
        folder = policy.path(policy.state.path)
        try:
            key = ids.load_or_make_key(folder / "signing.key", self._settings.signing_key, self._clock.token(32))
        except ValueError as error:
            raise CannotServe(f"state.path: {error}") from error
        except OSError as error:
            say(f"state.path: {error}; request ids will not be known after a restart: set SMALLFIRST_SIGNING_KEY")
            key = self._clock.token(32)
        return ids.Signer(key)

    def _up(self, deployment: str) -> bool:
        member = self.pipeline.pool.members.get(deployment)
        return member is not None and member.breaker.allows(self._clock.now())


def _guard(keyring: Keyring | None, host: str | None) -> None:
    if keyring is None and host is not None and not _is_loopback(host):
        raise CannotServe(
            f"without auth.keys in the policy this serves loopback only, not {host}; "
            "make a key with `smallfirst keys add --name NAME --file keys.yaml` and name the file in auth.keys"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

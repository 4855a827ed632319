"""A policy with everything it names, read before anybody is served with it, and what keeps it from being served."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from router import assembly
from router.assembly import AssemblyError
from router.cautions import cautions
from router.clock import SYSTEM, Clock
from router.keys import Keyring, KeysError
from router.log import say
from router.plan import Plan
from router.policy import Caution, Note, Policy, PolicyError, load
from router.policy.store_url import read_store_url
from router.pricing import PriceList
from router.settings import Settings
from router.store import Embedded, NotInstalled, Store, open_store
from router.upstream.connect import prepare

__all__ = ["CannotServe", "Reading", "embedded", "guard", "open_shared", "read_policy"]


class CannotServe(Exception):
    """What keeps a server from starting, or from taking a new policy; says what to do."""

    def __init__(self, told: str, files: Iterable[Path] = ()) -> None:
        super().__init__(told)
        self.files = frozenset(files)
        """Every file that was read or missed on the way, for whoever watches for a better policy."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy, and what it comes to."""

    policy: Policy
    plan: Plan
    keyring: Keyring | None
    cautions: list[Caution | Note]

    @property
    def store(self) -> str:
        """Where what servers share is kept: `memory`, `redis` or `embedded`."""
        kind = read_store_url(self.policy.cache.url).kind
        return kind if kind in {"memory", "embedded"} else "redis"  # alone, behind Sentinels, as a cluster

    @property
    def shares(self) -> bool:
        """Whether other processes see what one that serves this learns and remembers."""
        return self.store != "memory"


def read_policy(path: Path, settings: Settings, now: float) -> Reading:
    """Read a policy and everything it names.

    Raises:
        CannotServe: it, or something it names, cannot be used.
    """
    files: Iterable[Path] = ()
    try:
        policy = load(path, settings.environment)
        files = policy.files
        plan = assembly.plan_of(policy, PriceList.installed(), now=now)
        keyring = Keyring.read(policy.path(policy.auth.keys)).under(policy.limits) if policy.auth else None
        prepare(policy)
    except PolicyError as error:
        raise CannotServe(str(error), error.files) from error
    except (AssemblyError, KeysError) as error:
        raise CannotServe(str(error), files) from error
    return Reading(policy, plan, keyring, cautions(policy, plan, now=now))


def open_shared(policy: Policy, clock: Clock = SYSTEM, *, restarted: Callable[[], None] = lambda: None) -> Store:
    """Open what this policy's servers share; `restarted` hears when it is embedded and had to be started again.

    Raises:
        CannotServe: it is embedded, and there is nothing to embed.
    """
    try:
        url, state = read_store_url(policy.cache.url), policy.path(policy.state.path)
        return open_store(url, state, say, clock, restarted=restarted)
    except NotInstalled as error:
        raise CannotServe(f"cache.url: {error}") from error


@contextmanager
def embedded(policy: Policy) -> Iterator[None]:
    """Keep the embedded Valkey, if the policy has one, from before the first worker until after the last.

    Workers see to it that it runs; no thread of ours is there when they are forked.

    Raises:
        CannotServe: there is nothing to embed.
    """
    if read_store_url(policy.cache.url).kind != "embedded":
        yield
        return
    try:
        valkey = Embedded(policy.path(policy.state.path) / "valkey")
    except NotInstalled as error:
        raise CannotServe(f"cache.url: {error}") from error
    try:
        yield
    finally:
        valkey.stop()


def guard(keyring: Keyring | None, host: str | None) -> None:
    """Refuse to be reachable from elsewhere without keys.

    Raises:
        CannotServe: there are no keys, and the address is not loopback.
    """
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

"""`smallfirst cache`: how many answers are remembered, and forgetting them."""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from router.cache.entry import HEAD_BYTES, route_of
from router.cli.telling import Json, PolicyPath, Refused, print_json, read_settings
from router.ids import hashed
from router.policy import Policy, PolicyError, load
from router.policy.store_url import read_store_url
from router.store import CLEARED, StoreDown

if TYPE_CHECKING:
    from router.store.redis_store import RedisStore

__all__ = ["app"]

app = typer.Typer(help="Answers that are remembered for equal requests.", no_args_is_help=True)
T = TypeVar("T")
_PATIENCE = 2.0
"""Seconds: an operator waits longer than a request."""


@app.command()
def stats(policy: PolicyPath, *, as_json: Json = False) -> None:
    """Say how many answers there are, by route, and how large.

    Those that are remembered for equal requests.
    """
    loaded = _load(policy)
    answers, room = Counter[str](), Counter[str]()

    async def count(store: "RedisStore") -> None:
        names = {hashed(name): name for name in loaded.routes}
        async for _, size, head in store.walk("answer", HEAD_BYTES):
            route = route_of(head)
            name = names.get(route, "(of no route of this policy)") if route is not None else "(not ours)"
            answers[name] += 1
            room[name] += size

    _at_the_store(loaded, count)
    if as_json:
        print_json({"routes": {name: {"answers": answers[name], "bytes": room[name]} for name in sorted(answers)}})
        return
    for name in sorted(answers):
        sys.stdout.write(f"{name}: {answers[name]} answers, {room[name]} bytes\n")
    if not answers:
        sys.stdout.write("no answers\n")


@app.command()
def clear(
    policy: PolicyPath, route: Annotated[str | None, typer.Option(help="This route's answers only.")] = None
) -> None:
    """Forget answers, in the store and in the memory of every server."""
    loaded = _load(policy)
    if route is not None and route not in loaded.routes:
        raise Refused(f"no route named '{route}' in this policy")

    async def forget(store: "RedisStore") -> int:
        gone = [key async for key, _, head in store.walk("answer", HEAD_BYTES) if _is_of(head, route)]
        for start in range(0, len(gone), 500):
            await store.delete(*gone[start : start + 500])
        await store.publish(CLEARED, (route or "").encode())
        return len(gone)

    sys.stdout.write(f"{_at_the_store(loaded, forget)} answers forgotten\n")


def _is_of(head: bytes, route: str | None) -> bool:
    return route is None or route_of(head) == hashed(route)


def _load(path: PolicyPath) -> Policy:
    try:
        return load(path, read_settings().environment)
    except PolicyError as error:
        raise Refused(str(error)) from error


def _at_the_store(policy: Policy, work: "Callable[[RedisStore], Awaitable[T]]") -> T:
    """Do something with the store that the policy names."""
    url = read_store_url(policy.cache.url)
    if url.kind in {"memory", "embedded"}:
        raise Refused(f"{url.kind}:// keeps answers with the server, out of reach; they are gone when it is restarted")

    from router.store.redis_store import RedisStore  # serving without Redis imports none of it

    async def at_work() -> T:
        told: list[str] = []
        store = RedisStore(url, told.append, deadline=_PATIENCE)
        try:
            await store.begin()
            return await work(store)
        except StoreDown as error:
            raise Refused(f"cache.url: {error}") from error
        finally:
            await store.aclose()

    return asyncio.run(at_work())

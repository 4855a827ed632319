"""What one request's tiers are given to answer with: retrieved once for each tier, whoever of it is asked."""

from router.chat import ChatRequest
from router.frozen import frozen
from router.journey import Journey
from router.plan import Tier
from router.prompts import Context
from router.upstream.failure import Failure
from router.upstream.pool import Pool
from router.upstream.retriever import RetrieverError

__all__ = ["Sourced", "Sources"]


@frozen
class Sourced:
    """A request, and the ids of the chunks that it is asked with."""

    request: ChatRequest
    ids: tuple[str, ...] = ()


class Sources:
    """One request's sources, by tier."""

    __slots__ = ("_found", "_journey", "_plain", "_pool")

    def __init__(self, request: ChatRequest, journey: Journey, pool: Pool) -> None:
        self._plain = Sourced(request)
        self._journey = journey
        self._pool = pool
        self._found: dict[str, Sourced | None] = {}

    async def of(self, tier: Tier, within: float) -> Sourced:
        """The request as this tier is asked, after at most `within` seconds.

        Raises:
            Failure: it has no sources, and is not to be asked without.
        """
        context = tier.context
        if context is None:
            return self._plain
        if tier.name not in self._found:
            self._found[tier.name] = await self._retrieved(tier.name, context, min(within, context.timeout))
        found = self._found[tier.name]
        if found is None:
            raise Failure("retrieval")
        return found

    async def _retrieved(self, tier: str, context: Context, within: float) -> Sourced | None:
        try:
            chunks = await self._pool.retriever(context).ask(context, self._plain.request, within=within)
        except RetrieverError as error:
            self._journey.retrievals.append((tier, str(error)))
            return self._plain if context.on_error == "skip" else None
        self._journey.retrievals.append((tier, "ok" if chunks else "empty"))
        request = context.given(self._plain.request, chunks)
        self._journey.given[tier] = request.given
        return Sourced(request, tuple(chunk.id for chunk in chunks))

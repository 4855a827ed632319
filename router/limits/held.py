"""What one request has taken of its key's limits, until it is known what it has used."""

from collections.abc import Callable

from router.limits.charging import Charge

__all__ = ["Held"]


class Held:
    """A request that may be answered; whoever got it settles it, once."""

    __slots__ = ("_settle", "headers", "prompt", "tokens")

    def __init__(
        self,
        settle: Callable[[float, float], None],
        headers: list[tuple[bytes, bytes]],
        *,
        prompt: int = 0,
        tokens: float = 0.0,
    ) -> None:
        """`settle` is called with the tokens that were used beyond those that were taken, and with US dollars."""
        self._settle: Callable[[float, float], None] | None = settle
        self.headers = headers
        """What the client is told beside its answer."""
        self.prompt = prompt
        """Tokens of the prompt, as estimated."""
        self.tokens = tokens
        """Tokens that were taken."""

    def settle(self, charge: Charge) -> None:
        """Give back the place, and say what was used; what is said after that counts for nothing."""
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(charge.tokens - self.tokens, charge.usd)

    def release(self) -> None:
        """Give back the place; nobody knows what was used, so what was taken stays taken."""
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(0.0, 0.0)

"""The accounts of this process: what was used of every key's limits, told to the store and heard from it.

Where servers share a store the account is there, and one script takes all that a request needs, on the server's clock:
whatever their own clocks say, replicas agree. Without it each replica goes on with its share of what is left, which is
the share of the account's requests that it had lately; what is used meanwhile is told once the store is back. Where
nothing is shared the account is here, and what was spent goes to a folder.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn

import orjson

from router.clock import SYSTEM, Clock
from router.limits.account import Account, Wait, month_of, sharing
from router.limits.held import Held
from router.limits.telling import headers, never, refusal
from router.policy.limits import Allowance
from router.store import Folder, Meanwhile, Store, StoreDown, key

__all__ = ["Limits", "account_key"]

LEASE: Final = 15.0
"""Seconds after which the places of a process are free that says nothing any more."""
BEAT: Final = 5.0
"""Seconds after which a process says again that it is there, while it holds any."""
_KEEP: Final = 1.0
"""Seconds after which what was spent is on the disk, where nothing is shared."""
_PARTING: Final = 1.0
"""Seconds in which a process that ends says what it has spent."""
_TTL: Final = 35 * 86400.0
"""Seconds for which an account stays that nobody uses: longer than a month."""
_REASONS: Final = {"day": "budget", "month": "budget"}

Shed = Callable[[str], None]


def account_key(allowance: Allowance) -> str:
    """What an account is kept under."""
    return key("limit", *allowance.account)


class _Book:
    """One account, as this process knows it."""

    __slots__ = (
        "account",
        "allowance",
        "alone",
        "heard",
        "held",
        "known",
        "name",
        "read",
        "share",
        "spent",
        "under_way",
        "unsent",
    )

    def __init__(self, allowance: Allowance, now: float) -> None:
        self.name = account_key(allowance)
        self.allowance = allowance
        self.account = Account(now)
        """As last heard; where nothing is shared, the account itself."""
        self.heard = now
        """When that was, on this process's clock."""
        self.alone: Account | None = None
        """This process's share of it, while the store cannot be asked."""
        self.unsent = Account(now)
        """What was taken by that share, and the store does not know."""
        self.held = 0
        self.under_way = 0
        """Questions without an answer."""
        self.spent = 0.0
        """US dollars that this process has spent, since it began."""
        self.known = 0.0
        """What of it is known to have arrived."""
        self.share = 0.0
        self.read = b""
        """What is on the disk."""


class Limits:
    """Takes what requests need of their keys' limits."""

    def __init__(
        self,
        store: Store | None = None,
        clock: Clock = SYSTEM,
        *,
        folder: Folder | None = None,
        shed: Shed = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`folder` keeps what was spent where nothing is shared.

        `shed` hears why a request was turned away, `say` what an operator should know.
        """
        self._say = say
        self._store = store if store is not None and store.shared else None
        self._wall = clock.wall
        self._own = clock.token(8).hex()
        self._folder = folder if self._store is None else None
        self._shed = shed
        self._books: dict[tuple[str, ...], _Book] = {}
        self._share = 0.0
        self._active: set[_Book] = set()
        """Those that others must hear of."""
        self._beating: asyncio.TimerHandle | None = None
        self._telling: set[asyncio.Future[bytes]] = set()
        self._dirty: set[_Book] = set()
        self._keeping: asyncio.Task[None] | None = None

    async def take(
        self, allowance: Allowance, prompt: int = 0, output: int = 0, meanwhile: Meanwhile | None = None
    ) -> Held:
        """Begin a request with a prompt and an answer of about so many tokens.

        `meanwhile` is called while the store is asked, if others leave the time for it.

        Raises:
            LimitReached: a limit is reached; says which, and when to come back.
            BadRequest: it can never fit.
        """
        if allowance.tokens is not None and prompt > allowance.tokens:
            raise never(allowance, prompt)
        book = self._books.get(allowance.account)
        if book is None:
            book = self._books[allowance.account] = await self._opened(allowance)
        book.allowance = allowance
        tokens = 0.0 if allowance.tokens is None else float(min(prompt + output, allowance.tokens))
        mine, account = await self._take(book, allowance, tokens, meanwhile)
        book.held += 1
        if allowance.parallel is not None and self._store is not None:
            self._watch(book)
        settle = partial(self._settle, book, allowance)
        return Held(settle, headers(allowance, account, mine), prompt=prompt, tokens=tokens)

    async def _take(
        self, book: _Book, allowance: Allowance, tokens: float, meanwhile: Meanwhile | None
    ) -> tuple[Allowance, Account]:
        """Take from the account, or from what is here of it; gives how it stands, and what it allows there.

        Raises:
            LimitReached: a limit is reached.
        """
        mine = allowance
        if self._store is not None:
            told = await self._ask(self._store, book, tokens, meanwhile)
            if told is not None:
                account = book.account
                if not told:
                    self._refuse(allowance, account.waits(allowance, tokens) or [Wait("requests", 1.0)], account.at)
                return allowance, account
            mine = self._share_of(book, tokens)
        account = book.alone or book.account
        self._take_here(book, mine, account, tokens)
        return mine, account

    def _refuse(self, allowance: Allowance, waits: list[Wait], now: float) -> NoReturn:
        """Turn a request away.

        Raises:
            LimitReached: always.
        """
        longest = max(waits, key=lambda wait: wait.seconds).kind
        self._shed(_REASONS.get(longest, longest))
        raise refusal(allowance, waits, now)

    def _settle(self, book: _Book, allowance: Allowance, tokens: float, usd: float) -> None:
        """A request has ended that used so many tokens more, or fewer, than it took, and so many dollars."""
        book.held -= 1
        book.spent += usd
        correction = 0.0 if allowance.tokens is None else tokens
        if self._store is not None:
            if allowance.parallel is not None or correction or usd:
                self._tell(book, correction, released=allowance.parallel is not None)
            return
        book.account.advance(self._wall(), book.allowance)
        book.account.settle(correction, usd)
        book.known = book.spent
        if usd:
            self._soil(book)

    # ----------------------------------------------------------------------------------------------------- the store

    async def _ask(self, store: Store, book: _Book, tokens: float, meanwhile: Meanwhile | None) -> bool | None:
        """Take from the store's account; whether it may, or None when nobody can say."""
        owed = self._owed(book)
        if owed.requests or owed.tokens:
            book.unsent = Account(owed.at)
        book.under_way += 1
        spent, cancelled = book.spent, False
        try:
            given = self._given(book, tokens, owed, "+0")
            told = await store.charge(book.name, given, _TTL, meanwhile=meanwhile)
        except StoreDown:
            if owed is not book.unsent:
                book.unsent.requests += owed.requests
                book.unsent.tokens += owed.tokens
            return None
        except asyncio.CancelledError:
            cancelled = True
            raise
        finally:
            book.under_way -= 1
            if cancelled:  # it may have been given a place that nobody takes
                self._tell(book, 0.0, released=False)
        return self._hear(book, told, spent)

    def _tell(self, book: _Book, tokens: float, *, released: bool) -> None:
        """Tell what was used; nobody waits for that, and what does not arrive is told again."""
        if self._store is None:
            return
        places = f"={book.held}" if book.under_way == 0 else "-1" if released else "+0"
        correction = Account(self._wall(), 0.0, tokens)
        telling = asyncio.ensure_future(
            self._store.charge(book.name, self._given(book, -1.0, correction, places), _TTL, hurried=False)
        )
        self._telling.add(telling)
        telling.add_done_callback(partial(self._told, book, tokens, book.spent))

    def _given(self, book: _Book, tokens: float, more: Account, places: str) -> tuple[str, ...]:
        allowance = book.allowance
        return (
            _text(tokens),
            self._own,
            _text(LEASE),
            *map(_text, (allowance.requests, allowance.tokens, allowance.parallel)),
            *map(_text, (allowance.usd_per_day, allowance.usd_per_month)),
            _text(book.spent),
            _text(book.known),
            _text(more.requests),
            _text(more.tokens),
            places,
        )

    def _told(self, book: _Book, tokens: float, spent: float, telling: "asyncio.Future[bytes]") -> None:
        self._telling.discard(telling)
        if telling.cancelled() or telling.exception() is not None:
            for account in (book.unsent, book.alone):
                if account is not None:
                    account.tokens = max(0.0, account.tokens + tokens)
            self._watch(book)
        else:
            self._hear(book, telling.result(), spent)

    def _hear(self, book: _Book, told: bytes, spent: float) -> bool:
        """Take down how the account stands; whether what was asked for was given."""
        may, now, requests, tokens, day, month, held, share = orjson.loads(told)
        book.account = Account(now, requests, tokens, int(now // 86400), day, month_of(now), month, int(held))
        book.heard, book.known, book.alone = self._wall(), max(book.known, spent), None
        if share:
            book.share = self._share = share
        return bool(may)

    def _watch(self, book: _Book) -> None:
        """See to it that the store hears of a book now and then, for as long as it has to."""
        self._active.add(book)
        if self._beating is None:
            self._beating = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _beat(self) -> None:
        self._beating = None
        self._active = {book for book in self._active if book.held or book.spent > book.known}
        for book in self._active:
            self._tell(book, 0.0, released=False)
        if self._active:
            self._beating = asyncio.get_running_loop().call_later(BEAT, self._beat)

    # ---------------------------------------------------------------------------------------------------- and without

    def _share_of(self, book: _Book, tokens: float) -> Allowance:
        """This process's share of what an account allows: of what is left, as much as it had of all lately."""
        now, known = self._wall(), book.account
        share = book.share or self._share or 1.0
        if book.alone is None:
            known.at = book.heard
        known.advance(now, book.allowance)
        if book.alone is None:
            book.alone = known.scaled(share)
        mine = sharing(book.allowance, known, share)
        if mine.tokens is not None and mine.tokens < tokens:
            mine = replace(mine, tokens=tokens)  # or it would never fit
        book.alone.advance(now, mine)
        book.alone.usd_day = known.usd_day + book.spent - book.known
        book.alone.usd_month = known.usd_month + book.spent - book.known
        return mine

    def _take_here(self, book: _Book, allowance: Allowance, account: Account, tokens: float) -> None:
        """Take from an account that is here.

        Raises:
            LimitReached: a limit is reached.
        """
        now = self._wall()
        account.advance(now, allowance)
        account.held = book.held
        if waits := account.waits(allowance, tokens):
            if any(wait.kind in _REASONS for wait in waits):
                self._soil(book)  # perhaps somebody has taken back what was spent
            self._refuse(book.allowance, waits, now)
        account.take(tokens)
        if account is book.alone:
            book.unsent = self._owed(book)
            book.unsent.take(tokens)

    def _owed(self, book: _Book) -> Account:
        """What was taken without the store, as far as it has not worn off by now."""
        if book.unsent.requests or book.unsent.tokens:
            book.unsent.advance(self._wall(), book.allowance)
        return book.unsent

    async def _opened(self, allowance: Allowance) -> _Book:
        """A book for an account that this process has not seen before."""
        book = _Book(allowance, self._wall())
        if self._folder is not None:
            with suppress(OSError):
                found = await asyncio.to_thread(self._folder.read, book.name)
                book.read = found or b""
                book.account = Account.read(found, self._wall())
        return self._books.get(allowance.account, book)  # somebody may have been quicker

    def _soil(self, book: _Book) -> None:
        """Let what was spent be on the disk in a moment, or hear from there that somebody took it back."""
        if self._folder is None:
            return
        self._dirty.add(book)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        while self._dirty:
            await asyncio.sleep(_KEEP)
            await self._write()

    async def _write(self) -> None:
        """Write down what was spent, unless somebody has removed what was there: then it counts for nothing."""
        folder, dirty, self._dirty = self._folder, self._dirty, set()
        if folder is None:
            return
        try:
            for book in dirty:
                await self._write_one(folder, book, book.account.content())
        except OSError as error:
            if self._folder is not None:
                self._say(f"state.path: {error}; what keys have spent will be forgotten at the next restart")
            self._folder = None

    async def _write_one(self, folder: Folder, book: _Book, content: bytes) -> None:
        if not await asyncio.to_thread(folder.swap, book.name, book.read or None, content):
            if book.read and await asyncio.to_thread(folder.read, book.name) is None:
                book.account, book.read = Account(self._wall()), b""
                return
            await asyncio.to_thread(folder.write, book.name, content)
        book.read = content

    async def aclose(self) -> None:
        """Tell what was spent, and give back every place."""
        if self._beating is not None:
            self._beating.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        self._dirty.update(book for book in self._books.values() if book.spent)
        await self._write()
        if self._store is not None:
            for book in self._books.values():
                if book.held or book.spent > book.known:
                    self._tell(book, 0.0, released=False)
            if self._telling:
                await asyncio.wait(tuple(self._telling), timeout=_PARTING)


def _text(number: float | None) -> str:
    """A number for a script; no text at all for none."""
    return "" if number is None else repr(number)

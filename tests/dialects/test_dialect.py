"""Every dialect is one: that is, it has what the server asks of it."""

from router.dialects import Dialect, Exchange, Telling
from router.dialects.completions import Completions
from router.dialects.responses import Responses


def test_completions_are_a_dialect() -> None:
    dialect: Dialect = Completions()
    exchange: Exchange = dialect.read(b'{"model": "auto", "prompt": "hi"}')
    telling: Telling = exchange.stream()
    assert telling.chunk({}) == b""


def test_responses_are_a_dialect() -> None:
    dialect: Dialect = Responses()
    exchange: Exchange = dialect.read(b'{"model": "auto", "input": "hi"}')
    telling: Telling = exchange.stream()
    assert telling.chunk({}) == b""

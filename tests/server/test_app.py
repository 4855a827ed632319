"""Which endpoint? The hot ones first, and everything else at the desk."""

from pathlib import Path

import pytest

from router.demo.answers import Answer
from router.server.app import App
from tests.proxy import proxy
from tests.server.asgi import Exchange, scope_of

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/chat/completions", 200),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/route", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/healthz", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/v1/chat/completions/", 404),
    ],
)
async def test_every_path_has_its_place(tmp_path: Path, method: str, path: str, status: int) -> None:
    async with proxy(tmp_path, Answer(text="hi")) as served:
        exchange = await Exchange(scope_of(path, method), [BODY]).over(App(served.service))
        assert exchange.status == status

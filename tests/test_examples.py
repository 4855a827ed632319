"""The examples do what their READMEs say; what they need beyond the house's own dependencies may be missing."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from examples.retrieval.chunking import chunks
from examples.retrieval.embedding import DIMENSIONS, words
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.demo.wire import Received
from router.policy import load
from router.server.run import running
from router.server.service import Service
from router.settings import Settings
from tests.proxy import write
from tests.servers import needs

EXAMPLE = Path(__file__).parent.parent / "examples" / "retrieval"


def test_a_text_is_cut_where_its_paragraphs_end_and_every_word_of_it_is_kept() -> None:
    text = "\n\n".join(f"{number} " + "word " * 60 for number in range(9))
    made = list(chunks("a.md", text))
    assert [chunk.id for chunk in made] == [f"a.md#{number}" for number in range(1, len(made) + 1)]
    assert " ".join(chunk.text for chunk in made).split() == text.split()
    assert max(len(chunk.text) for chunk in made) <= 802
    assert list(chunks("b.md", "")) == []


async def test_texts_with_the_same_words_are_near_each_other() -> None:
    cord, kettle, refund = await words(
        ["How long is the cord?", "Its cord is 75 cm long.", "A refund takes five days."]
    )
    near, far = (sum(a * b for a, b in zip(cord, other, strict=True)) for other in (kettle, refund))
    assert (len(cord), near > 0.3 > far) == (DIMENSIONS, True)


def test_its_policy_holds() -> None:
    assert load(EXAMPLE / "policy.yaml", {}).tiers["tuned"].context is not None


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL of this test's own."""
    pytest.importorskip("asyncpg", reason="the example's driver is not a dependency of ours")
    needs("postgres")
    binaries = Path(os.path.realpath(shutil.which("postgres") or "")).parent
    port = _free_port()
    data = tmp_path / "data"
    as_whom: list[str] = []
    if os.geteuid() == 0:  # which PostgreSQL refuses to be
        as_whom = [needs("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_whom, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "facts"], check=True, **quiet
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    control = [*as_whom, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run([*control, "-l", str(data / "log"), "-o", options, "start"], check=True, **quiet)
    try:
        yield f"postgresql://facts@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def retrieving(address: str) -> AsyncIterator[str]:
    """The example's retriever on a free port; whoever asks before it is ready waits in the backlog."""
    from examples.retrieval.app import retriever  # noqa: PLC0415  its driver may be missing

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(retriever(address), log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


def reads(request: Received) -> Answer:
    """A model that says what its first source says, and cites it; without a source it makes something up."""
    found = re.search(r'<source id="1"[^>]*>\n(.*?)\n</source>', request.data["messages"][-1]["content"], re.DOTALL)
    return Answer(text=f"{found[1]} [1]" if found else "I believe it is 3 m [1]")


async def test_a_fact_that_is_added_is_found_by_the_next_request(database: str, tmp_path: Path) -> None:
    async with (
        retrieving(database) as finder,
        FakeUpstream(reads) as model,
        FakeUpstream(Answer(text="from above")) as above,
        httpx.AsyncClient(timeout=20) as client,
    ):
        context = {"url": f"{finder}/retrieve", "top_k": 2, "timeout": "5s"}
        tuned = {"context": context, "checks": ["complete", {"citations": {"required": True}}]}
        addresses = {"tuned-a": model.base_url, "frontier-a": above.base_url}
        path = write(tmp_path, addresses, {"tiers": {"tuned": tuned}})
        async with running(Service(path, Settings(environment=os.environ))) as base_url:

            async def ask(question: str) -> httpx.Response:
                body = {"model": "auto", "temperature": 0, "messages": [{"role": "user", "content": question}]}
                return await client.post(f"{base_url}/chat/completions", json=body)

            cord = await ask("How long is the cord of the kettle?")
            assert "75 cm" in cord.text
            assert cord.headers["x-router-sources"].split(",")[0] == "kettle.md#1"

            question = "How many slots has the toaster?"
            assert "four" not in (await ask(question)).text
            fact = {"source": "news.md", "text": "The toaster has four slots since May."}
            assert (await client.post(f"{finder}/facts", json=fact)).json() == {"chunks": 1}
            toaster = await ask(question)
            assert "four slots" in toaster.text
            assert toaster.headers["x-router-sources"].split(",")[0] == "news.md#1"
            assert toaster.headers["x-router-path"] == "tuned:ok"

            await client.post(f"{finder}/facts", json={**fact, "text": "The toaster has six slots since June."})
            assert "six slots" in (await ask(question)).text, "a source that changed is replaced"

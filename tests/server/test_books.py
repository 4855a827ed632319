"""What happened is written down, as the policy says."""

import asyncio
from pathlib import Path

import pytest

from router.errors import NotFound
from router.outcome import Evidence, Outcome
from router.server.service import Service
from router.settings import Settings
from tests.proxy import write
from tests.records.made import kept
from tests.waiting import all_blocked

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}


def made(folder: Path, **changes: object) -> Service:
    return Service(write(folder, NOWHERE, changes), Settings())


async def test_requests_are_recorded_where_the_policy_says_so(tmp_path: Path) -> None:
    service = made(tmp_path, records={"path": "kept", "content": "none"})
    await service.pipeline.refuse(NotFound("no")).aclose()
    service.books.evidence(Evidence("req_0", "auto", "s", 2, "tuned", 1.0))
    await service.aclose()

    assert [one["kind"] for one in kept(tmp_path / "kept")] == ["plan", "outcome", "evidence", "plan"]


async def test_without_the_block_nothing_is(tmp_path: Path) -> None:
    service = made(tmp_path)
    await service.pipeline.refuse(NotFound("no")).aclose()
    service.books.evidence(Evidence("req_0", "auto", "s", 2, "tuned", 1.0))
    await service.aclose()

    assert kept(tmp_path) == []


async def test_a_reload_may_begin_move_and_end_them(tmp_path: Path) -> None:
    service = made(tmp_path)
    for records in ({"path": "one"}, {"path": "one"}, {"path": "two"}, None):
        write(tmp_path, NOWHERE, {"records": records} if records else {})
        assert await service.reload()
        await service.pipeline.refuse(NotFound("no")).aclose()
    await service.aclose()

    assert [len(kept(tmp_path / name, "outcome")) for name in ("one", "two")] == [2, 1]


async def test_records_that_are_lost_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").write_text("a file")
    service = made(tmp_path, records={"path": "kept"})
    service.metrics.records_dropped(3)
    service.metrics.records_dropped(3)
    service.metrics.records_dropped(5)
    await service.aclose()

    assert service.metrics.registry.get_sample_value("router_records_dropped_total") == 5
    assert "requests go on, records wait" in capsys.readouterr().err


async def test_requests_are_written_down_a_few_at_a_time_and_before_anybody_looks(tmp_path: Path) -> None:
    service = made(tmp_path)
    service.inflight = 50
    written: list[Outcome] = []
    service.books.others.append(written.append)

    for _ in range(17):
        await service.pipeline.refuse(NotFound("no")).aclose()
    assert len(written) == 16

    assert service.metrics.registry.get_sample_value("router_overhead_seconds_count") == 17
    assert len(written) == 17
    await service.aclose()


@pytest.mark.parametrize(("inflight", "then"), [(1, 1), (2, 0)])
async def test_what_a_lone_client_left_behind_is_written_down_while_its_next_request_waits(
    tmp_path: Path, inflight: int, then: int
) -> None:
    service = made(tmp_path)
    written: list[Outcome] = []
    service.books.others.append(written.append)
    await service.pipeline.refuse(NotFound("no")).aclose()

    service.inflight = inflight
    if service.pipeline.alone():
        service.pipeline.meanwhile()
    assert written == []  # what this turn of the loop sends goes first
    await all_blocked()
    assert len(written) == then
    await service.aclose()


@pytest.mark.parametrize("inflight", [1, 50])
async def test_the_last_is_written_down_in_a_moment(tmp_path: Path, inflight: int) -> None:
    service = made(tmp_path)
    service.inflight = inflight
    written = asyncio.Event()
    service.books.others.append(lambda _: written.set())

    await service.pipeline.refuse(NotFound("no")).aclose()
    async with asyncio.timeout(5):
        await written.wait()
    await service.aclose()


async def test_a_book_that_is_at_fault_keeps_no_other_from_being_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def torn(_: Outcome) -> None:
        raise ZeroDivisionError

    service = made(tmp_path)
    written: list[Outcome] = []
    service.books.others += [torn, written.append]

    await service.pipeline.refuse(NotFound("no")).aclose()
    await service.aclose()

    assert len(written) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err

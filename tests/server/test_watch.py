"""A policy that changes while it is served: whoever writes it, and however."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from router import keys
from router.demo.answers import Answer
from router.demo.upstream import FakeUpstream
from router.server.run import running
from router.server.service import Service
from router.server.watch import Settling, look
from router.settings import Settings
from tests.proxy import write
from tests.talking import talk
from tests.waiting import until

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}
BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
OFTEN = 0.005
PATIENCE = 20.0


# ------------------------------------------------------------------------------------------------ when is it read again


def test_what_has_not_changed_is_not_read() -> None:
    known = {Path("a"): (1,)}
    assert not any(Settling().notice(known, known) for _ in range(3))


def test_a_change_is_read_once_it_has_settled() -> None:
    settling, known = Settling(), {Path("a"): (1,)}
    looks = [{Path("a"): (2,)}, {Path("a"): (3,)}, {Path("a"): (3,)}]
    assert [settling.notice(now, known) for now in looks] == [False, False, True]


def test_a_change_that_never_settles_is_read_all_the_same() -> None:
    settling, known = Settling(), {Path("a"): (1,)}
    assert [settling.notice({Path("a"): (number,)}, known) for number in range(2, 7)] == [
        *(False, False, False, True),
        False,
    ]


def test_a_change_that_is_taken_back_is_none() -> None:
    settling, known, other = Settling(), {Path("a"): (1,)}, {Path("a"): (2,)}
    assert [settling.notice(now, known) for now in (other, known, other)] == [False, False, False]


def test_a_file_that_cannot_be_is_only_not_there(tmp_path: Path) -> None:
    assert look(tmp_path / "policy.yaml", [Path("no\0file")]) == {tmp_path / "policy.yaml": (), Path("no\0file"): ()}


def test_a_folder_that_is_gone_is_no_reason_to_stop_looking(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    folder.chmod(0)
    try:
        assert set(look(folder, [])) <= {folder}
    finally:
        folder.chmod(0o700)


# -------------------------------------------------------------------------------------------------- who writes, and how


def changed(folder: Path, difficulty: float) -> str:
    text = yaml.safe_load((folder / "policy.yaml").read_text())
    text["routes"]["auto"]["difficulty"] = difficulty
    return yaml.safe_dump(text)


@asynccontextmanager
async def watched(path: Path) -> AsyncIterator[Service]:
    service = Service(path, Settings())
    watching = asyncio.create_task(service.watch(OFTEN))
    try:
        yield service
    finally:
        watching.cancel()
        await service.aclose()


def estimated(service: Service) -> float:
    return float(service.policy.routes["auto"].difficulty)


def reloads(service: Service, result: str) -> float:
    return service.metrics.registry.get_sample_value("router_policy_reload_total", {"result": result}) or 0.0


async def test_a_file_that_is_written_in_place(tmp_path: Path) -> None:
    async with watched(write(tmp_path, NOWHERE)) as service:
        (tmp_path / "policy.yaml").write_text(changed(tmp_path, 0.125))
        await until(lambda: estimated(service) == 0.125)


async def test_an_editor_that_writes_another_file_and_renames_it(tmp_path: Path) -> None:
    async with watched(write(tmp_path, NOWHERE)) as service:
        for difficulty in (0.125, 0.25, 0.5):
            (tmp_path / ".policy.yaml.swp").write_text(changed(tmp_path, difficulty))
            (tmp_path / "policy.yaml").rename(tmp_path / "policy.yaml~")
            (tmp_path / ".policy.yaml.swp").rename(tmp_path / "policy.yaml")
            await until(lambda wanted=difficulty: estimated(service) == wanted)  # type: ignore[misc]


async def test_kubernetes_turns_the_link_of_a_config_map(tmp_path: Path) -> None:
    mounted, first, second = tmp_path / "mounted", tmp_path / "mounted/..1", tmp_path / "mounted/..2"
    first.mkdir(parents=True)
    write(first, NOWHERE)
    shutil.copytree(first, second)
    (mounted / "..data").symlink_to("..1")
    (mounted / "policy.yaml").symlink_to("..data/policy.yaml")
    async with watched(mounted / "policy.yaml") as service:
        (second / "policy.yaml").write_text(changed(second, 0.125))
        (mounted / "..data_tmp").symlink_to("..2")
        (mounted / "..data_tmp").rename(mounted / "..data")
        shutil.rmtree(first)
        await until(lambda: estimated(service) == 0.125)


async def test_a_folder_that_is_put_in_another_s_place(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    write(tmp_path / "policies", NOWHERE)
    async with watched(tmp_path / "policies") as service:
        shutil.copytree(tmp_path / "policies", tmp_path / "new")
        (tmp_path / "new/policy.yaml").write_text(changed(tmp_path / "new", 0.125))
        (tmp_path / "policies").rename(tmp_path / "old")
        (tmp_path / "new").rename(tmp_path / "policies")
        await until(lambda: estimated(service) == 0.125)


async def test_a_team_adds_a_file_to_the_folder_and_takes_it_away(tmp_path: Path) -> None:
    write(tmp_path, NOWHERE)
    async with watched(tmp_path) as service:
        (tmp_path / "billing.yaml").write_text("version: 1\nroutes: {billing: {cascade: [{tier: frontier}]}}\n")
        await until(lambda: "billing" in service.pipeline.plan.routes)
        (tmp_path / "billing.yaml").unlink()
        await until(lambda: "billing" not in service.pipeline.plan.routes)


async def test_a_key_that_is_added_is_known(tmp_path: Path) -> None:
    async with watched(write(tmp_path, NOWHERE, {"auth": {"keys": "keys.yaml"}})) as service:
        keys.add(tmp_path / "keys.yaml", "bob", "sf-bob", labels={}, now=0)
        await until(lambda: service.keyring is not None and service.keyring.find(b"Bearer sf-bob") is not None)


async def test_a_key_whose_entry_is_deleted_is_revoked_also_when_it_was_the_last(tmp_path: Path) -> None:
    async with watched(write(tmp_path, NOWHERE, {"auth": {"keys": "keys.yaml"}})) as service:
        (tmp_path / "keys.yaml").write_text("# nobody\n")
        await until(lambda: service.keyring is not None and not service.keyring.keys)


async def test_a_key_that_is_replaced_by_its_hash_keeps_its_name(tmp_path: Path) -> None:
    policy = write(tmp_path, NOWHERE, {"auth": {"keys": "keys.yaml"}})
    kept = tmp_path / "keys.yaml"
    kept.unlink(missing_ok=True)
    keys.add(kept, "ann", "sf-old", labels={}, now=0)
    async with watched(policy) as service:
        keys.add(tmp_path / "new.yaml", "ann", "sf-new", labels={}, now=0)
        kept.write_text(kept.read_text().replace(keys.hash_key("sf-old"), keys.hash_key("sf-new")))
        await until(lambda: service.keyring is not None and service.keyring.find(b"Bearer sf-old") is None)
        found = service.keyring and service.keyring.find(b"Bearer sf-new")
        assert found
        assert found.name == "ann"


async def test_a_keys_file_that_is_gone_revokes_nobody_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with watched(write(tmp_path, NOWHERE, {"auth": {"keys": "keys.yaml"}})) as service:
        known = service.keyring
        (tmp_path / "keys.yaml").unlink()
        await until(lambda: reloads(service, "refused") == 1)
        assert service.keyring is known
        assert "keys.yaml" in capsys.readouterr().err


async def test_a_bad_change_is_refused_and_its_remedy_is_noticed_wherever_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with watched(write(tmp_path, NOWHERE)) as service:
        version = service.pipeline.plan.version
        write(tmp_path, NOWHERE, {"tiers": {"frontier": {"prompt": {"system": "prompts/full.md"}}}})
        await until(lambda: reloads(service, "refused") == 1)
        assert service.pipeline.plan.version == version
        told = capsys.readouterr().err
        assert f"the new policy is refused, {version} stays in force:" in told
        assert "policy.yaml" in told
        assert "no file 'prompts/full.md' beside the policy" in told
        (tmp_path / "prompts").mkdir()
        (tmp_path / "prompts/full.md").write_text("You help.")
        await until(lambda: reloads(service, "ok") == 1)
        assert service.pipeline.plan.version != version


async def test_a_fault_of_ours_ends_no_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(write(tmp_path, NOWHERE)) as service:
        with monkeypatch.context() as patched:
            patched.setattr("router.server.reading.load", None)
            (tmp_path / "policy.yaml").write_text(changed(tmp_path, 0.125))
            await until(lambda: reloads(service, "refused") == 1)
        (tmp_path / "policy.yaml").write_text(changed(tmp_path, 0.25))
        await until(lambda: estimated(service) == 0.25)


# ----------------------------------------------------------------------------------------------------------- under load


async def test_prices_prompts_thresholds_and_routes_change_under_load_without_a_failed_request(tmp_path: Path) -> None:
    """Four clients ask all the time; each edit is waited for until somebody was served with it."""
    async with FakeUpstream(Answer(text="hi")) as tuned, FakeUpstream(Answer(text="hello")) as frontier:
        addresses = {"tuned-a": tuned.base_url, "frontier-a": frontier.base_url}
        (tmp_path / "full.md").write_text("You help, number 0.")
        path = write(tmp_path, addresses, edit(0))
        service = Service(path, Settings(environment=os.environ))
        statuses: list[int] = []
        served: set[str] = set()
        answered = asyncio.Event()
        done = False

        async def ask(base_url: str) -> None:
            async with talk(base_url) as client:
                while not done:
                    stream = len(statuses) % 2 == 0
                    body = BODY.replace(b"{", b'{"stream": true, ', 1) if stream else BODY
                    length = {"host": "x", "content-length": str(len(body))}
                    heard = await client.say("POST", "/v1/chat/completions", length, body)
                    assert heard.complete
                    statuses.append(heard.status)
                    served.add(heard.headers["x-router-policy"])
                    answered.set()

        async with running(service) as base_url:
            watching = asyncio.create_task(service.watch(OFTEN))
            async with asyncio.TaskGroup() as clients:
                for _ in range(4):
                    clients.create_task(ask(base_url))
                for number in range(1, 9):
                    served.clear()
                    before = service.pipeline.plan.version
                    (tmp_path / "full.md").write_text(f"You help, number {number // 2}.")
                    write(tmp_path, addresses, edit(number))
                    async with asyncio.timeout(PATIENCE):
                        while not served - {before}:
                            answered.clear()
                            await answered.wait()
                done = True
            watching.cancel()
    assert len(statuses) > 8
    assert set(statuses) == {200}


def edit(number: int) -> dict[str, object]:
    """Another price, prompt, threshold and set of routes for each number."""
    cascade = [{"tier": "tuned", "below": 0.1 * (number % 8)}, {"tier": "frontier"}]
    return {
        "deployments": {"tuned-a": {"price": {"input": 0.01 * number, "output": 0.2}}},
        "tiers": {"frontier": {"prompt": {"system": "full.md"}}},
        "routes": {"auto": {"cascade": cascade}, f"route-{number}": {"cascade": cascade, "difficulty": 0.2}},
    }


async def test_a_long_stream_does_not_keep_the_next_change_waiting(tmp_path: Path) -> None:
    """Its deployment has left the policy, and is let go when the stream has ended."""
    gate = asyncio.Event()
    async with (
        FakeUpstream(Answer(text="hello, you", gates={2: gate})) as tuned,
        FakeUpstream(Answer(text="hello")) as frontier,
    ):
        addresses = {"tuned-a": tuned.base_url, "frontier-a": frontier.base_url}
        service = Service(write(tmp_path, addresses, {"routes": {"auto": {"difficulty": 0.0}}}), Settings())
        async with running(service) as base_url, talk(base_url) as client:
            watching = asyncio.create_task(service.watch(OFTEN))
            body = BODY.replace(b"{", b'{"stream": true, ', 1)
            client.send("POST", "/v1/chat/completions", {"host": "x", "content-length": str(len(body))}, body)
            assert (await client.head())[0] == 200
            write(tmp_path, {**addresses, "tuned-a": frontier.base_url})
            await until(lambda: reloads(service, "ok") == 1)
            (tmp_path / "policy.yaml").write_text(changed(tmp_path, 0.125))
            await until(lambda: estimated(service) == 0.125)
            gate.set()
            assert b"".join([piece async for piece in client.chunks()]).endswith(b"data: [DONE]\n\n")
            watching.cancel()

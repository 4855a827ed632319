"""A policy at work: what cannot be served, and what a reload may and may not change."""

import asyncio
from pathlib import Path

import pytest
import yaml

from router import keys
from router.errors import NotFound
from router.ids import Signer, load_or_make_key
from router.server.service import CannotServe, Service
from router.settings import Settings
from tests.proxy import write

NOWHERE = {"tuned-a": "http://127.0.0.1:1/v1", "frontier-a": "http://127.0.0.1:1/v1"}


def made(folder: Path, **changes: object) -> Service:
    return Service(write(folder, NOWHERE, changes), Settings())


def counted(service: Service, result: str) -> float | None:
    return service.metrics.registry.get_sample_value("router_policy_reload_total", {"result": result})


def test_a_policy_that_is_none_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match="did you mean 'cascade'"):
        made(tmp_path, routes={"auto": {"casade": []}})


def test_a_keys_file_that_is_missing_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match="no\\.yaml"):
        made(tmp_path, auth={"keys": "no.yaml"})


def test_a_state_folder_that_cannot_be_made_is_told_and_served_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file")

    made(tmp_path, state={"path": "state"})

    assert "set SMALLFIRST_SIGNING_KEY" in capsys.readouterr().err


def test_a_signing_key_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "signing.key").write_bytes(b"short")
    with pytest.raises(CannotServe, match=r"state\.path: "):
        made(tmp_path, state={"path": "state"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_without_keys_this_machine_may_ask(tmp_path: Path, host: str) -> None:
    made(tmp_path).may_listen_on(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "::1234", "127.example.com", "localhost.example"])
def test_without_keys_nobody_else_may(tmp_path: Path, host: str) -> None:
    with pytest.raises(CannotServe, match="smallfirst keys add"):
        made(tmp_path).may_listen_on(host)


def test_with_keys_everybody_may_knock(tmp_path: Path) -> None:
    made(tmp_path, auth={"keys": "keys.yaml"}).may_listen_on("0.0.0.0")


async def test_a_reload_does_not_open_the_house_to_strangers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = made(tmp_path, auth={"keys": "keys.yaml"})
    service.may_listen_on("0.0.0.0")
    write(tmp_path, NOWHERE)
    assert not await service.reload()
    assert service.keyring is not None
    assert "serves loopback only" in capsys.readouterr().err
    assert counted(service, "refused") == 1


async def test_a_reload_swaps_everything_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = made(tmp_path)
    before = service.pipeline.pool
    write(tmp_path, NOWHERE, {"routes": {"other": {"cascade": [{"tier": "tuned"}]}}, "auth": {"keys": "keys.yaml"}})
    assert await service.reload()
    assert "other" in service.pipeline.plan.routes
    assert service.keyring is not None
    assert service.pipeline.pool.members["tuned-a"] is before.members["tuned-a"]
    assert f"policy {service.pipeline.plan.version} is in force" in capsys.readouterr().err
    assert counted(service, "ok") == 1


async def test_a_bad_policy_is_refused_and_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = made(tmp_path)
    plan = service.pipeline.plan
    write(tmp_path, NOWHERE, {"tiers": {"tuned": {"chekcs": []}, "frontier": {"hold": -1}}})
    assert not await service.reload()
    assert service.pipeline.plan is plan
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"smallfirst: the new policy is refused, {plan.version} stays in force:"
    assert len(told) == 3


async def test_a_keys_file_that_is_wrong_keeps_the_old_keys(tmp_path: Path) -> None:
    service = made(tmp_path, auth={"keys": "keys.yaml"})
    keyring = service.keyring
    (tmp_path / "keys.yaml").write_text("- nonsense")
    assert not await service.reload()
    assert service.keyring is keyring


async def test_a_key_that_was_added_is_known_after_a_reload(tmp_path: Path) -> None:
    service = made(tmp_path, auth={"keys": "keys.yaml"})
    keys.add(tmp_path / "keys.yaml", "bob", "sf-bob", labels={}, now=0)
    assert await service.reload()
    assert service.keyring is not None
    assert service.keyring.find(b"Bearer sf-bob") is not None


async def test_of_many_reloads_at_once_the_last_has_the_last_word(tmp_path: Path) -> None:
    service = made(tmp_path)
    reloads = []
    for number in range(5):
        reloads.append(asyncio.create_task(service.reload()))
        text = yaml.safe_load((tmp_path / "policy.yaml").read_text())
        text["routes"]["auto"]["difficulty"] = number / 10
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(text))
    reloads.append(asyncio.create_task(service.reload()))
    assert all(await asyncio.gather(*reloads))
    fresh = Service(tmp_path / "policy.yaml", Settings())
    assert service.pipeline.plan.version == fresh.pipeline.plan.version


async def test_the_signing_key_outlives_the_process(tmp_path: Path) -> None:
    reply = made(tmp_path).pipeline.refuse(NotFound("nothing"))
    identity = dict(reply.headers)[b"x-request-id"].decode()
    await reply.aclose()
    key = load_or_make_key(tmp_path / ".smallfirst" / "signing.key", None, b"")
    assert Signer(key).verify(identity) is not None
    made(tmp_path)
    assert load_or_make_key(tmp_path / ".smallfirst" / "signing.key", None, b"") == key


async def test_what_check_says_of_thresholds_is_said_at_the_start_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cascade: list[dict[str, object]] = [{"tier": "tuned", "below": "auto"}, {"tier": "frontier"}]
    auto = {"auto": {"difficulty": "builtin", "cascade": cascade}}
    service = made(tmp_path, routes=auto)
    assert capsys.readouterr().err.count("note: ") == 1
    assert await service.reload()
    assert "note: " not in capsys.readouterr().err
    write(
        tmp_path, NOWHERE, {"routes": {"auto": {**auto["auto"], "cascade": [{**cascade[0], "below": 0.1}, cascade[1]]}}}
    )
    assert await service.reload()
    assert "the builtin model knows nothing of your tiers" in capsys.readouterr().err

"""Request ids: whoever has the key reads them back, nobody else makes or changes one."""

import os
import re
import stat
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ids import NONCE_BYTES, Signer, about, hashed, load_or_make_key, name_of, start_of

KEY = bytes(range(32))
SIGNER = Signer(KEY)
SAID = about("support-desk", ("auto", "s1"), ("tuned", 3, 0.25), "support-8b-v3")
TIME = 1_795_262_400.123
ROUTE = hashed("auto")

names = st.text(max_size=20)
starts = st.tuples(names, st.none() | st.integers(0, 9), st.floats(2**-15.5, 1))
said = st.builds(about, names, st.tuples(names, names), starts, names)
times = st.floats(0, 2**47 / 1000)
nonces = st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES)


# --- ids --------------------------------------------------------------------------------------------------------------


@given(st.tuples(names, names), st.tuples(names, names), starts, times, nonces)
def test_what_was_signed_is_read_back(
    who: tuple[str, str], route: tuple[str, str], start: tuple[str, int | None, float], time: float, nonce: bytes
) -> None:
    read = Signer(KEY).verify(SIGNER.sign(about(who[0], route, start, who[1]), time, nonce))
    assert read is not None
    assert (read.tenant, read.route, read.model) == (hashed(who[0]), hashed(route[0]), hashed(who[1]))
    assert (read.tier, read.band) == (start_of(start[0], route[1]), start[1])
    assert read.propensity == pytest.approx(start[2], rel=1e-4)
    assert read.time == pytest.approx(time, abs=0.0006)


def test_the_usual_propensities_and_times_are_kept_exactly() -> None:
    for propensity in (1.0, 0.5, 0.25):
        read = SIGNER.verify(
            SIGNER.sign(about("", ("auto", ""), ("tuned", 3, propensity), ""), TIME, bytes(NONCE_BYTES))
        )
        assert read is not None
        assert (read.propensity, read.time) == (propensity, TIME)


def test_a_chance_too_small_to_keep_is_kept_as_the_smallest() -> None:
    read = SIGNER.verify(SIGNER.sign(about("", ("auto", ""), ("tuned", 3, 1e-9), ""), TIME, bytes(NONCE_BYTES)))
    assert read is not None
    assert read.propensity == pytest.approx(2**-16, rel=1e-3)


@given(said, times, nonces)
def test_an_id_can_stand_in_a_header_a_path_and_a_query(told: bytes, time: float, nonce: bytes) -> None:
    assert re.fullmatch(r"req_[A-Za-z0-9_-]{56}", SIGNER.sign(told, time, nonce))


@given(nonces, st.data())
def test_any_changed_character_spoils_it(nonce: bytes, data: st.DataObject) -> None:
    signed = SIGNER.sign(SAID, TIME, nonce)
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.sampled_from([sign for sign in string.printable + "é" if sign != signed[at]]))
    assert SIGNER.verify(signed[:at] + other + signed[at + 1 :]) is None


def test_every_single_bit_counts_to_the_last_character() -> None:
    signed = SIGNER.sign(
        SAID, TIME, b"\xfb\xff\xbe\xfb\xef\xbe"
    )  # many `-` and `_`, which lenient decoders take for `+` and `/`
    signs = string.ascii_letters + string.digits + "-_+/="
    spoiled = {signed[:at] + sign + signed[at + 1 :] for at in range(len(signed)) for sign in signs} - {signed}
    assert [text for text in spoiled if SIGNER.verify(text) is not None] == []


@given(st.text(max_size=80) | st.text(string.ascii_letters, min_size=60, max_size=60))
def test_what_strangers_send_is_no_id(text: str) -> None:
    assert SIGNER.verify(text) is None


@pytest.mark.parametrize(
    "change", [lambda signed: signed[:-1], lambda signed: signed + "A", lambda signed: signed[4:], str.upper]
)
def test_a_shorter_longer_or_bare_id_is_none(change: Callable[[str], str]) -> None:
    assert SIGNER.verify(change(SIGNER.sign(SAID, TIME, bytes(NONCE_BYTES)))) is None


def test_an_id_signed_with_another_key_is_none_of_ours() -> None:
    assert SIGNER.verify(Signer(b"another key of ours").sign(SAID, TIME, bytes(NONCE_BYTES))) is None


def test_ids_of_one_millisecond_differ() -> None:
    assert len({SIGNER.sign(SAID, TIME, os.urandom(NONCE_BYTES)) for _ in range(10_000)}) == 10_000


def test_a_later_format_is_not_misread(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("router.ids._VERSION", 2)
        signed = SIGNER.sign(SAID, TIME, bytes(NONCE_BYTES))
    assert SIGNER.verify(signed) is None


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 65])
def test_a_key_nobody_should_sign_with_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Signer(key)


def test_a_number_finds_its_name_among_those_it_may_be() -> None:
    assert name_of(ROUTE, ["triage", "auto"]) == "auto"
    assert name_of(ROUTE, ["triage"]) is None


# --- the signing key --------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "signing.key"
    first = load_or_make_key(path, None, bytes(32))
    assert (first, load_or_make_key(path, None, b"\1" * 32)) == (bytes(32), bytes(32))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["signing.key"]


def test_the_environment_wins_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    keys = [
        load_or_make_key(path, text, bytes(32))
        for text in ("any text of any length", "any text of any length", "other")
    ]
    assert keys[0] == keys[1] != keys[2]
    assert Signer(keys[0]).verify("req_") is None
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "schlüssel"])
def test_a_damaged_key_file_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "signing.key"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"not a signing key .* restore it, or remove it"):
        load_or_make_key(path, None, bytes(32))
    assert path.read_text() == text


def test_all_who_start_at_the_same_moment_get_one_key(tmp_path: Path) -> None:
    ready = Barrier(8)

    def start(number: int) -> bytes:
        ready.wait()
        return load_or_make_key(tmp_path / "signing.key", None, bytes([number]) * 32)

    with ThreadPoolExecutor(8) as starting:
        assert len(set(starting.map(start, range(8)))) == 1


def test_who_comes_second_takes_the_firsts_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signing.key"
    load_or_make_key(path, None, b"\1" * 32)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # the other one made it just after we looked
    assert load_or_make_key(path, None, b"\2" * 32) == b"\1" * 32
    assert [entry.name for entry in tmp_path.iterdir()] == ["signing.key"]

"""API keys: minted, hashed, found at one cost, and kept in a file that people can read."""

import errno
import hashlib
import os
import stat
import string
import timeit
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.keys import Key, Keyring, KeysError, add, hash_key, mint
from router.policy.limits import Limit

NOON = 1_795_262_400.0  # 2026-11-21T12:00:00Z


def token(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def bearer(key: str) -> bytes:
    return b"Bearer " + key.encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


# --- keys -------------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=64))
def test_a_key_can_be_pasted_anywhere(random_bytes: bytes) -> None:
    key = mint(random_bytes)
    assert key.startswith("sf-")
    assert set(key) <= set(string.ascii_letters + string.digits + "-_")


def test_a_key_of_few_random_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="32 random bytes, not 16"):
        mint(b"x" * 16)


def test_a_hash_says_how_it_was_made_and_hides_the_key() -> None:
    assert hash_key("test") == "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


# --- finding ----------------------------------------------------------------------------------------------------------


def test_a_client_is_known_by_its_key_whatever_the_case_of_the_scheme(file: Path) -> None:
    key = mint(token(1))
    add(file, "desk", key, labels={"team": "support"}, now=NOON)
    ring = Keyring.read(file)
    for scheme in (b"Bearer ", b"bearer ", b"BEARER  "):
        assert ring.find(scheme + key.encode()) == Key("desk", {"team": "support"}, "2026-11-21T12:00:00Z")


def test_every_key_knows_what_limits_allow_it(file: Path) -> None:
    for number, name in enumerate(("desk", "robot", "free")):
        add(file, name, mint(token(number + 1)), labels={"team": name}, now=NOON)
    ring = Keyring.read(file)
    limits = {
        "all": Limit(parallel=4),
        "robots": Limit(labels={"team": "robot"}, parallel=1),
        "f": Limit(keys=("free",)),
    }
    allowed = {key.name: key.allowance and key.allowance.parallel for key in ring.under(limits).keys.values()}

    assert allowed == {"desk": 4, "robot": 1, "free": None}
    assert ring.under({}) is ring


@pytest.mark.parametrize(
    "header", [None, b"", b"Bearer", b"Bearer ", b"Bearer sf-wrong", b"Basic c2Y6", b"\xff\xfe", b"sf-"]
)
def test_no_key_or_a_wrong_one_is_nobodys(file: Path, header: bytes | None) -> None:
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    assert Keyring.read(file).find(header) is None


def test_the_stored_hash_is_no_key(file: Path) -> None:
    key = mint(token(1))
    add(file, "desk", key, labels={}, now=NOON)
    assert Keyring.read(file).find(bearer(hash_key(key))) is None


def test_ten_thousand_keys_are_read_and_each_finds_its_owner_at_the_price_of_one(file: Path) -> None:
    keys = [mint(token(number)) for number in range(10_000)]
    file.write_text("".join(f"- name: client-{n}\n  hash: {hash_key(key)}\n" for n, key in enumerate(keys)))
    ring = Keyring.read(file)
    assert [ring.find(bearer(key)) for key in keys] == [Key(f"client-{n}", {}) for n in range(10_000)]

    few = Keyring(dict(list(ring.keys.items())[:10]))
    known, stranger = bearer(keys[0]), bearer(mint(token(-1)))
    for header in (known, stranger):
        best = [min(timeit.repeat(lambda r=some: r.find(header), number=200, repeat=30)) for some in (few, ring)]  # type: ignore[misc]  # noqa: B023
        assert best[1] < 5 * best[0]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_first_key_makes_a_file_that_only_its_owner_reads(file: Path) -> None:
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert mint(token(1)) not in file.read_text()


def test_adding_keeps_what_people_wrote_and_the_mode_they_chose(file: Path) -> None:
    mine = f"# the night shift\n- name: desk   # Ada\n  hash: {hash_key('a')}"  # without a last line end
    file.write_text(mine)
    file.chmod(0o640)
    add(file, "robot", mint(token(1)), labels={"team": "ops: night"}, now=NOON)
    assert file.read_text().startswith(mine + "\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [key.name for key in Keyring.read(file).keys.values()] == ["desk", "robot"]
    assert [entry.name for entry in file.parent.iterdir()] == ["keys.yaml"]


@pytest.mark.parametrize("before", ["", "[]\n", "# nothing yet\n"])
def test_a_file_without_keys_may_be_begun(file: Path, before: str) -> None:
    file.write_text(before)
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    assert len(Keyring.read(file).keys) == 1


def test_adding_through_a_link_changes_the_file_and_not_the_link(file: Path) -> None:
    real = file.with_name("real.yaml")
    real.write_text("")
    file.symlink_to(real)
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    assert file.is_symlink()
    assert len(Keyring.read(real).keys) == 1


def test_a_name_is_given_once(file: Path) -> None:
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    before = file.read_text()
    with pytest.raises(KeysError, match="a key named 'desk' exists; choose another name"):
        add(file, "desk", mint(token(2)), labels={}, now=NOON)
    with pytest.raises(KeysError, match="a key needs a name"):
        add(file, "", mint(token(2)), labels={}, now=NOON)
    assert file.read_text() == before


def test_a_key_is_given_to_one_client_only(file: Path) -> None:
    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    with pytest.raises(KeysError, match="hash: the same key as 'desk'"):
        add(file, "robot", mint(token(1)), labels={}, now=NOON)


def test_a_list_in_brackets_is_not_torn(file: Path) -> None:
    file.write_text(f"[{{name: desk, hash: '{hash_key('a')}'}}]\n")
    before = file.read_text()
    with pytest.raises(KeysError, match="cannot be appended, the file would be wrong"):
        add(file, "robot", mint(token(1)), labels={}, now=NOON)
    assert file.read_text() == before


texts = st.text(min_size=1).filter(str.isprintable)


@settings(max_examples=50, deadline=None)
@given(texts, st.dictionaries(texts, texts, max_size=3))
def test_any_printable_name_and_label_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, labels: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    add(file, name, "sf-key", labels=labels, now=NOON)
    assert Keyring.read(file).find(b"Bearer sf-key") == Key(name, labels, "2026-11-21T12:00:00Z")


def test_people_who_add_at_the_same_time_all_get_their_key(file: Path) -> None:
    names = [f"client-{number}" for number in range(20)]
    with ThreadPoolExecutor(4) as people:
        list(people.map(lambda name: add(file, name, f"sf-{name}", labels={}, now=NOON), names))
    assert {key.name for key in Keyring.read(file).keys.values()} == set(names)


# --- what can be wrong with it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: desk\n", "keys.yaml:1 must be a list of keys"),
        ("- desk\n", "keys.yaml:1 must be an object with `name` and `hash`"),
        ("- name: [\n", "keys.yaml:2 not YAML"),
        ("\n- name: desk\n", "keys.yaml:2 hash: must be `sha256:` and 64 hexadecimal digits"),
        ("- hash: HASH\n", "keys.yaml:1 name: missing; every key needs one"),
        ("- name: desk\n  hahs: HASH\n", "keys.yaml:1 hahs: unknown field; did you mean 'hash'?"),
        ("- name: desk\n  hash: HASH\n  key: sf-1\n", "keys.yaml:1 key: keys are kept as hashes only"),
        ("- name: desk\n  hash: HASH\n  labels: support\n", "keys.yaml:1 labels: must be an object of texts"),
        (
            "- name: desk\n  hash: HASH\n- name: desk\n  hash: OTHER\n",
            "keys.yaml:3 name: 'desk' is the name of the key in line 1 too",
        ),
        ("- name: desk\n  hash: HASH\n- name: robot\n  hash: HASH\n", "keys.yaml:3 hash: the same key as 'desk'"),
    ],
)
def test_a_wrong_file_says_where_and_what_to_do(file: Path, text: str, said: str) -> None:
    file.write_text(text.replace("HASH", hash_key("a")).replace("OTHER", hash_key("b")))
    with pytest.raises(KeysError) as caught:
        Keyring.read(file)
    assert said in str(caught.value)


def test_every_fault_is_told_at_once(file: Path) -> None:
    file.write_text("- name: desk\n- hash: nonsense\n- robot\n")
    with pytest.raises(KeysError) as caught:
        Keyring.read(file)
    assert [line.removeprefix(str(file)).split(" ")[0] for line in str(caught.value).splitlines()] == [
        ":1",
        ":2",
        ":2",
        ":3",
    ]


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(KeysError, match=r"keys\.yaml: cannot be read: No such file"):
        Keyring.read(file)
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(KeysError, match=r"keys\.yaml: cannot be read: not UTF-8"):
        Keyring.read(file)


def test_a_file_that_cannot_be_written_is_named(file: Path) -> None:
    with pytest.raises(KeysError, match=r"nowhere/keys\.yaml: cannot be written: No such file"):
        add(file.parent / "nowhere" / "keys.yaml", "desk", mint(token(1)), labels={}, now=NOON)


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    add(file, "desk", mint(token(1)), labels={}, now=NOON)
    before = file.read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeysError, match="cannot be written: No space left on device"):
        add(file, "robot", mint(token(2)), labels={}, now=NOON)
    assert file.read_text() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["keys.yaml"]

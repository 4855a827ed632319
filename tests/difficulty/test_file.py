"""A model file arrives whole, or is refused in one line."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from router.difficulty import ModelError, file

ARRAYS: dict[str, file.Array] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1, -1, 3], np.int8),
    "c": np.zeros((0, 4), np.uint32),
}


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as refused:
        file.read(path)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    file.write(path, {"tiers": ["x"]}, ARRAYS)
    contents = file.read(path)
    assert contents.header == {"tiers": ["x"]}
    assert all(np.array_equal(contents.arrays[name], array) for name, array in ARRAYS.items())
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.model"]


def test_the_same_model_has_the_same_hash() -> None:
    packed = file.pack({"tiers": ["x"]}, ARRAYS)
    assert packed == file.pack({"tiers": ["x"]}, ARRAYS)
    assert len(file.unpack(packed, "m").hash) == 16


def test_any_changed_byte_is_noticed() -> None:
    packed = bytearray(file.pack({"tiers": ["x"]}, ARRAYS))
    for place in (20, len(packed) // 2, len(packed) - 1):
        packed[place] ^= 1
        with pytest.raises(ModelError, match="checksum"):
            file.unpack(bytes(packed), "m")
        packed[place] ^= 1


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_bytes(file.pack({}, ARRAYS)[:-40])
    assert "corrupt" in refusal(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_bytes(b"\x80\x04\x95 a pickle, by the look of it, and long enough to be one")
    assert "not a model file" in refusal(path)
    path.write_bytes(b"")
    assert "not a model file" in refusal(path)
    assert "cannot be read" in refusal(tmp_path / "absent")


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    packed = bytearray(file.pack({}, ARRAYS))
    packed[7] = 200
    path.write_bytes(packed)
    assert "format version 200" in refusal(path)


def test_a_file_larger_than_any_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    with path.open("wb") as out:
        out.truncate(file.LARGEST + 1)
    assert "larger" in refusal(path)


def test_a_right_checksum_over_nonsense_does_not_help() -> None:
    body = b"SFMODEL" + bytes([file.VERSION, 2, 0, 0, 0]) + b"[]"
    with pytest.raises(ModelError, match="corrupt"):
        file.unpack(body + hashlib.sha256(body).digest(), "m")

"""A model file: what was learned, as plain numbers with a checksum.

    8 bytes   b"SFMODEL" and the format version
    4 bytes   length of the header, little endian
    header    JSON: facts of the model, and the name, type and shape of every array
    arrays    raw little-endian numbers, one array after the other, each padded to 8 bytes
    32 bytes  SHA-256 of everything before

Nothing in it is ever executed: no pickle, and only number types that are named here.
"""

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from router.difficulty.estimate import ModelError

Array = NDArray[Any]

VERSION: Final = 3
LARGEST: Final = 64 << 20
"""Bytes. No model we train comes near; a larger file is somebody's mistake, and reading it would stall a reload."""

_MAGIC: Final = b"SFMODEL"
_START: Final = struct.Struct("<7sBI")
_SUM: Final = 32
_DTYPES: Final = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint32": "<u4", "int8": "|i1", "uint8": "|u1"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a model file holds."""

    header: dict[str, Any]
    arrays: dict[str, Array]
    hash: str
    """The first 16 hex digits of the file's checksum: calibrations name the model they belong to by it."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a model file; the same model always packs to the same bytes."""
    listed = [{"name": name, "dtype": str(array.dtype), "shape": array.shape} for name, array in arrays.items()]
    head = orjson.dumps({**header, "arrays": listed}, option=orjson.OPT_SORT_KEYS)
    head += b" " * (-(_START.size + len(head)) % 8)
    parts = [_START.pack(_MAGIC, VERSION, len(head)), head]
    for array in arrays.values():
        raw = np.ascontiguousarray(array, _DTYPES[str(array.dtype)]).tobytes()
        parts += [raw, bytes(-len(raw) % 8)]
    body = b"".join(parts)
    return body + hashlib.sha256(body).digest()


def write(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a model file whole or not at all, so that a server that is reloading never meets half of one."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(pack(header, arrays))
    part.replace(path)


def read(path: Path) -> Contents:
    """Read a model file.

    Raises:
        ModelError: it is missing, too large, of another version, cut short or changed.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ModelError(f"{path}: {size:,} bytes is larger than any model (at most {LARGEST:,})")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    return unpack(data, str(path))


def unpack(data: bytes, place: str) -> Contents:
    """Return the contents of a model file's bytes; `place` is what errors call it."""
    if len(data) < _START.size + _SUM or not data.startswith(_MAGIC):
        raise ModelError(f"{place}: not a model file; `smallfirst train` writes one")
    _, version, length = _START.unpack_from(data)
    if version != VERSION:
        raise ModelError(f"{place}: format version {version}, not {VERSION}; train the model again")
    body, checksum = data[:-_SUM], data[-_SUM:]
    if hashlib.sha256(body).digest() != checksum:
        raise ModelError(f"{place}: corrupt: its checksum does not match")
    try:
        header = orjson.loads(body[_START.size : _START.size + length])
        arrays = _arrays(memoryview(body)[_START.size + length :], header.pop("arrays"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # a right checksum, but not our writing
        raise ModelError(f"{place}: corrupt: {error}") from error
    return Contents(header, arrays, checksum.hex()[:16])


def _arrays(data: memoryview, listed: list[dict[str, Any]]) -> dict[str, Array]:
    """Return views of the arrays that lie in `data` one after the other."""
    arrays: dict[str, Array] = {}
    offset = 0
    for entry in listed:
        dtype = np.dtype(_DTYPES[entry["dtype"]])
        shape = tuple(int(length) for length in entry["shape"])
        count = math.prod(shape)
        arrays[entry["name"]] = np.frombuffer(data, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
        offset += -offset % 8
    return arrays

"""How many calls and instructions of Python something takes: the same on every machine, however busy it is.

Instructions are those of CPython's virtual machine. What C code does in one of them is not seen: `bench.micro` measures
its time.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["Count", "counted"]


@dataclass(slots=True)
class Count:
    """What one thread ran."""

    calls: int = 0
    """Of Python functions; a coroutine or a generator that goes on counts again."""
    c_calls: int = 0
    instructions: int = 0


@contextmanager
def counted(*, instructions: bool = False) -> Iterator[Count]:
    """Count what this thread calls meanwhile, or the instructions it runs: one or the other, each sees the other's."""
    count = Count()
    if instructions:
        before = sys.gettrace()
        sys.settrace(_tracer(count))
        try:
            yield count
        finally:
            sys.settrace(before)
    else:
        profiled = sys.getprofile()
        sys.setprofile(_profiler(count))
        try:
            yield count
        finally:
            sys.setprofile(profiled)


def _profiler(count: Count) -> Any:
    def heard(_frame: FrameType, event: str, _about: object) -> None:
        if event == "call":
            count.calls += 1
        elif event == "c_call":
            count.c_calls += 1

    return heard


def _tracer(count: Count) -> Any:
    def step(_frame: FrameType, event: str, _about: object) -> Any:
        if event == "opcode":
            count.instructions += 1
        return step

    def enter(frame: FrameType, _event: str, _about: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    return enter

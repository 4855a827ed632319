"""How many calls and instructions of Python something takes: the same on every machine, however busy it is.

Instructions are those of CPython's virtual machine. What C code does in one of them is not seen: `bench.micro` measures
its time.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

__all__ = ["Count", "counted"]

_MONITORING: Any = getattr(sys, "monitoring", None)
_TOOL = 4
"""One of the numbers that nobody has spoken for."""


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
    counting = _calls(count) if not instructions else _traced(count) if _MONITORING is None else _monitored(count)
    with counting:
        yield count


@contextmanager
def _calls(count: Count) -> Iterator[None]:
    def heard(_frame: FrameType, event: str, _about: object) -> None:
        if event == "call":
            count.calls += 1
        elif event == "c_call":
            count.c_calls += 1

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def _traced(count: Count) -> Iterator[None]:
    """As Python 3.11 can."""

    def step(_frame: FrameType, event: str, _about: object) -> Any:
        if event == "opcode":
            count.instructions += 1
        return step

    def enter(frame: FrameType, _event: str, _about: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def _monitored(count: Count) -> Iterator[None]:
    """As later ones do: for every thread, of which ours counts."""
    ours = get_ident()

    def step(_code: CodeType, _offset: int) -> None:
        if get_ident() == ours:
            count.instructions += 1

    event = _MONITORING.events.INSTRUCTION
    _MONITORING.use_tool_id(_TOOL, "bench")
    _MONITORING.register_callback(_TOOL, event, step)
    _MONITORING.set_events(_TOOL, event)
    try:
        yield
    finally:
        _MONITORING.set_events(_TOOL, 0)
        _MONITORING.register_callback(_TOOL, event, None)
        _MONITORING.free_tool_id(_TOOL)

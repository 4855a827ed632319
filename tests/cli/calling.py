"""Call the command line as a shell does, in this process: its exit code and both its streams."""

import io
import sys
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from router.cli import main


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return orjson.loads(self.out)


def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str, stdin: str = "") -> Called:
    """Run `smallfirst` with these words."""
    monkeypatch.setattr(sys, "argv", ["smallfirst", *words])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    code = ended.value.code
    return Called(code if isinstance(code, int) else int(code is not None), out, err)

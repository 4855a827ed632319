"""The environment, read once: where this process listens, what it prints, and its secrets.

What an operator tunes is the policy; what differs from one machine to the next is here. `docs/settings.md` is the list.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

__all__ = ["Settings", "SettingsError", "tell_library"]

_LOGS = ("json", "off")
_WATCHES = ("on", "off")


class SettingsError(ValueError):
    """The environment says something we cannot follow; one fault a line, each with the variable's name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's settings; secrets do not show when it is printed."""

    host: str = "127.0.0.1"
    port: int = 8080
    log: str = "json"
    """Whether each request is one line of JSON on stdout (`json`), or not (`off`)."""
    watch: str = "on"
    """Whether the policy is read again when it changes (`on`), or only when SIGHUP says so (`off`)."""
    drain: int = 30
    """Seconds that streams get to finish when the server is told to stop."""
    signing_key: str | None = field(default=None, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The whole environment as it was at the start: what `${NAME}` in a policy stands for."""

    @classmethod
    def read(cls) -> Self:
        """Read this process's environment; the only place in the house that does.

        Raises:
            SettingsError: a variable has a value we cannot follow; every fault at once.
        """
        return cls.of(dict(os.environ))

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read an environment that is handed in; a variable that is empty is not set.

        Raises:
            SettingsError: as `read`.
        """
        default = cls()
        own = {name: value for name, value in environment.items() if name.startswith("SMALLFIRST_") and value}
        port, log = own.get("SMALLFIRST_PORT", ""), own.get("SMALLFIRST_LOG", default.log)
        if port.startswith("tcp://"):  # Kubernetes' doing, wherever there is a Service named `smallfirst`
            port = ""
        faults = []
        if port and not (port.isascii() and port.isdigit() and int(port) < 2**16):
            faults.append(f"SMALLFIRST_PORT: must be a number from 0 (any free port) to 65535, not '{port}'")
        if log not in _LOGS:
            faults.append(f"SMALLFIRST_LOG: must be {' or '.join(_LOGS)}, not '{log}'")
        if (watch := own.get("SMALLFIRST_WATCH", default.watch)) not in _WATCHES:
            faults.append(f"SMALLFIRST_WATCH: must be {' or '.join(_WATCHES)}, not '{watch}'")
        if not ((drain := own.get("SMALLFIRST_DRAIN", str(default.drain))).isascii() and drain.isdigit()):
            faults.append(f"SMALLFIRST_DRAIN: must be a number of seconds, not '{drain}'")
        if faults:
            raise SettingsError("\n".join(faults))
        return cls(
            host=own.get("SMALLFIRST_HOST", default.host),
            port=int(port) if port else default.port,
            log=log,
            watch=watch,
            drain=int(drain),
            signing_key=own.get("SMALLFIRST_SIGNING_KEY"),
            environment=environment,
        )


def tell_library(name: str, value: str) -> None:
    """Set a variable, unless it is set, for a library that reads the environment and cannot be told any other way."""
    os.environ.setdefault(name, value)

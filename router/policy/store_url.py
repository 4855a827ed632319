"""The address of what servers share, read: Redis alone, behind Sentinels, as a cluster, or inside the process."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, unquote, urlencode

from pydantic import BeforeValidator, Field, WithJsonSchema

from router.policy.values import read_text, wrong

__all__ = ["SharedUrl", "StoreUrl", "read_store_url"]

_KINDS: dict[str, "StoreKind"] = {
    "memory": "memory",
    "embedded": "embedded",
    "redis": "one",
    "rediss": "one",
    "unix": "unix",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_OPTIONS = frozenset(
    {
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "sentinel_password",
        "sentinel_username",
    }
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", re.ASCII)
_PORTS = {"one": 6379, "sentinel": 26379, "cluster": 6379}

StoreKind = Literal["memory", "embedded", "one", "unix", "sentinel", "cluster"]


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """Where shared state is kept; passwords do not show when it is printed."""

    kind: StoreKind = "memory"
    hosts: tuple[tuple[str, int], ...] = ()
    """Of Redis, of its Sentinels, or of some of a cluster's nodes."""
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    master: str = ""
    """The name that Sentinels know the master by."""
    path: str = ""
    """Of a unix socket."""
    options: dict[str, str] = field(default_factory=dict, repr=False)
    """How TLS checks certificates, and the Sentinels' own user and password, in the words of redis-py."""

    def tls_query(self) -> str:
        """The options of TLS, as redis-py's addresses have them."""
        return urlencode({name: value for name, value in self.options.items() if name.startswith("ssl_")})


def read_store_url(value: object) -> StoreUrl:
    """Read an address; no sentence ever repeats it, for it may hold a password."""
    scheme, there, rest = read_text(value).strip().partition("://")
    kind = _KINDS.get(scheme)
    if kind is None or not there:
        kinds = ", ".join(f"{name}://" for name in _KINDS)
        raise wrong(f"must begin with one of {kinds}")
    rest, _, query = rest.partition("?")
    options = _options(query)
    if kind in {"memory", "embedded"}:
        if rest or options:
            raise wrong(f"'{scheme}://' is all there is to say; leave out what follows")
        return StoreUrl(kind)
    credentials, _, place = rest.rpartition("@")
    user, password = _credentials(credentials)
    if kind == "unix":
        if not place.startswith("/"):
            raise wrong("must name a socket by its whole path, such as unix:///run/redis.sock")
        return StoreUrl(kind, user=user, password=password, path=unquote(place), options=options)
    hosts, _, path = place.partition("/")
    database, master = _path(kind, path)
    return StoreUrl(
        kind,
        tuple(_host(host, _PORTS[kind]) for host in hosts.split(",")) if kind != "one" else (_host(hosts, 6379),),
        tls=scheme.startswith("rediss"),
        user=user,
        password=password,
        database=database,
        master=master,
        options=options,
    )


def _options(query: str) -> dict[str, str]:
    options = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if unknown := sorted(set(options) - _OPTIONS):
        raise wrong(f"'{unknown[0]}' is not an option of such an address; there are {', '.join(sorted(_OPTIONS))}")
    return options


def _credentials(text: str) -> tuple[str | None, str | None]:
    user, _, password = text.partition(":")
    return unquote(user) or None, unquote(password) or None


def _host(text: str, port: int) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    if match is None or (match[2] and not 0 < int(match[2]) < 2**16):
        raise wrong("its host or port cannot be read; write an address such as redis://127.0.0.1:6379/0")
    return match[1].strip("[]"), int(match[2] or port)


def _path(kind: str, path: str) -> tuple[int, str]:
    """The database, and the name of a master."""
    first, *rest = path.split("/")
    master, number = (first, "".join(rest)) if kind == "sentinel" else ("", path)
    if kind == "sentinel" and not master:
        raise wrong("must name the master, such as redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster/0")
    if not re.fullmatch(r"\d{0,5}", number, re.ASCII) or (kind == "cluster" and int(number or 0)):
        raise wrong("ends in the number of a database, such as /0; a cluster has only that one")
    return int(number or 0), unquote(master)


def _described() -> dict[str, Any]:
    return {"type": "string", "pattern": rf"^(({'|'.join(re.escape(kind) for kind in _KINDS)})://|\$\{{)"}


def _checked(value: object) -> str:
    read_store_url(value)
    return str(value).strip()


SharedUrl = Annotated[str, BeforeValidator(_checked), WithJsonSchema(_described()), Field(repr=False, exclude=True)]

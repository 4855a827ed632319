"""Beside others: the same load, in the same run, on nginx's proxy_pass and on LiteLLM's proxy.

``python -m bench.peers [--litellm PROGRAM] [--cases u1,u50,…] [--seconds 2] [--repeat 3] [--json]``.
nginx is the practical limit of a proxy that does nothing but forward; it is left out where it is not installed.
LiteLLM's proxy is the program `litellm` of an environment that has ``litellm[proxy]``, without keys, callbacks and
database. Ours does everything that bench/workload.py says. One process each, on the first core.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench import workload
from bench.macro import Case, case, document
from bench.processes import Proxy, free_port, proxy, redis, served, upstream

__all__ = ["PEERS"]

_PROXY, _REST = 0, 1
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;{user}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 64m;
  {temporary}
  upstream mock {{ server {mock}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off;
    }}
  }}
}}
"""


@contextmanager
def _ours(folder: Path, mock: str, cache: str, _program: str) -> Iterator[Proxy]:
    with proxy(workload.write(folder, mock, cache or "memory://"), core=_PROXY) as one:
        yield one


@contextmanager
def _nginx(folder: Path, mock: str, _cache: str, _program: str) -> Iterator[Proxy]:
    port = free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    text = _NGINX.format(
        folder=folder,
        user=" user root;" if os.geteuid() == 0 else "",
        temporary=" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds),
        mock=mock.removeprefix("http://").removesuffix("/v1"),
        port=port,
    )
    (folder / "nginx.conf").write_text(text)
    with served(["nginx", "-c", str(folder / "nginx.conf")], port, folder / "nginx.log", core=_PROXY) as one:
        yield one


@contextmanager
def _litellm(folder: Path, mock: str, _cache: str, program: str) -> Iterator[Proxy]:
    port = free_port()
    model = {"model": "openai/mock", "api_base": mock, "api_key": "sk-mock"}
    settings = {
        "model_list": [{"model_name": "mock", "litellm_params": model}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "general_settings": {},
    }
    (folder / "litellm.yaml").write_text(yaml.safe_dump(settings))
    command = [program, "--config", str(folder / "litellm.yaml"), "--port", str(port), "--host", "127.0.0.1"]
    local = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    with served(command, port, folder / "litellm.log", core=_PROXY, environment=local) as one:
        yield one


PEERS: dict[str, Callable[[Path, str, str, str], AbstractContextManager[Proxy]]] = {
    "smallfirst": _ours,
    "nginx proxy_pass": _nginx,
    "LiteLLM proxy": _litellm,
}
Measured = dict[str, tuple[float, float, dict[str, Case]]]
"""By name: seconds until the first answer, MB when idle, and the cases."""


def measure(names: list[str], litellm: str, seconds: float, repeat: int) -> Measured:
    """Measure all who are there, one after the other, on the same mock deployment."""
    found: Measured = {}
    with upstream(_REST) as mock, redis(_REST) as cache:
        for name, opened in PEERS.items():
            if (name == "LiteLLM proxy" and not litellm) or (name.startswith("nginx") and not shutil.which("nginx")):
                print(f"left out: {name}", file=sys.stderr)
                continue
            with TemporaryDirectory() as folder, opened(Path(folder), mock, cache, litellm) as one:
                idle = one.process.memory
                print(f"measuring {name}", file=sys.stderr)
                found[name] = one.started, idle, {at: case(at, one, mock, seconds, repeat) for at in names}
    return found


def _table(found: Measured) -> str:
    heads = (
        *("proxy", "case", "req/s", "CPU µs/req", "added p50 ms", "p99"),
        *("to first byte p50", "to first token p50", "p99", "MB idle", "start s"),
    )
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, (start, idle, cases) in found.items():
        for at, one in cases.items():
            figures = (
                f"{one.per_second:,.0f}",
                f"{one.cpu:,.0f}",
                *(f"{one.added[p]:.2f}" for p in ("p50", "p99")),
                f"{one.added_first['p50']:.2f}",
                *(f"{one.added_token[p]:.2f}" if one.events else "" for p in ("p50", "p99")),
                f"{idle:.0f}",
                f"{start:.2f}",
            )
            lines.append(f"| {name} | {at} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm", default="", help="the program of LiteLLM's proxy")
    parser.add_argument("--cases", default="u1,u50,s50,paced50,spread50,early50")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    found = measure(options.cases.split(","), options.litellm, options.seconds, options.repeat)
    if options.json:
        told = {
            name: {"start": start, "idle": idle, "cases": {at: document(one) for at, one in cases.items()}}
            for name, (start, idle, cases) in found.items()
        }
        print(json.dumps(told, indent=1))
    else:
        print(_table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`smallfirst serve`: put a policy to work."""

from typing import Annotated

import typer

from router.cli.telling import PolicyPath, Refused, read_settings
from router.server.run import serve as serve_policy
from router.server.service import CannotServe

__all__ = ["serve"]


def serve(
    policy: PolicyPath,
    host: Annotated[str | None, typer.Option(help="Where to listen. [default: SMALLFIRST_HOST or 127.0.0.1]")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Which port; 0 takes a free one. [default: SMALLFIRST_PORT or 8080]"),
    ] = None,
    workers: Annotated[int, typer.Option(help="How many processes; more than one is not built yet.")] = 1,
) -> None:
    """Serve a policy until SIGTERM; SIGHUP reads it again."""
    if workers != 1:
        raise Refused(
            "--workers: more than one needs Redis, which is not built yet; start one process per core instead"
        )
    settings = read_settings()
    try:
        serve_policy(policy, settings, settings.host if host is None else host, settings.port if port is None else port)
    except CannotServe as error:
        raise Refused(str(error)) from error

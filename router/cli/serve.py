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
    workers: Annotated[
        int, typer.Option(min=1, max=250, help="How many processes; more than one needs Redis or embedded://.")
    ] = 1,
) -> None:
    """Serve a policy until SIGTERM; SIGHUP reads it again."""
    settings = read_settings()
    host = settings.host if host is None else host
    try:
        serve_policy(policy, settings, host, settings.port if port is None else port, workers)
    except CannotServe as error:
        raise Refused(str(error)) from error

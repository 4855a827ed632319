"""`POST /v1/embeddings`: bytes in, authenticated, parsed once, answered, closed."""

import traceback

from typing_extensions import override

from router import embeddings
from router.consider import ANYBODY
from router.embed import embed, refuse
from router.errors import Problem
from router.log import say
from router.server.answering import LEAVING
from router.server.caller import identify
from router.server.chat import Chat, ClientLeft, Leaving, Receive, Scope, read
from router.upstream.reply import Reply

__all__ = ["Embeddings"]


class Embeddings(Chat):
    """The endpoint, as plain ASGI."""

    @override
    async def _reply(self, scope: Scope, receive: Receive, leaving: Leaving) -> Reply:
        pipeline, caller = self._service.pipeline, ANYBODY
        try:
            caller = identify(scope, self._service.keyring)
            self._service.admit()
            request = embeddings.parse(await read(scope, receive, pipeline.plan.max_body))
            scope["extensions"][LEAVING](leaving)
            return await embed(pipeline, request, caller)
        except Problem as told:
            return refuse(pipeline, told, caller)
        except ClientLeft:
            pipeline.left(caller)
            raise
        except Exception:  # noqa: BLE001  the last line of defence: a fault of ours is told, counted, and ends one request
            say(f"internal error: {traceback.format_exc()}")
            return refuse(
                pipeline, Problem("internal error; the server's log says more", code="internal_error"), caller
            )

"""Which endpoint? The hot ones are plain ASGI and come first; Starlette serves the rest."""

from router.dialects.completions import Completions
from router.dialects.messages import Messages
from router.dialects.responses import Responses
from router.server.chat import Chat, Receive, Scope, Send
from router.server.desk import Desk
from router.server.embeddings import Embeddings
from router.server.service import Service
from router.server.translated import Translated

__all__ = ["App"]


class App:
    """The ASGI application of one service."""

    def __init__(self, service: Service) -> None:
        hot: dict[str, Chat] = {
            "/v1/embeddings": Embeddings(service),
            "/v1/chat/completions": Chat(service),
            "/v1/completions": Translated(service, Completions()),
            "/v1/responses": Translated(service, Responses()),
            "/v1/messages": Translated(service, Messages(), named_in=b"request-id"),
        }
        self._hot = {("POST", path): endpoint for path, endpoint in hot.items()}
        self._rest = Desk(service, hot).app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        hot = self._hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (hot or self._rest)(scope, receive, send)

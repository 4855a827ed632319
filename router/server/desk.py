"""What is asked rarely and may take its time: models, decisions, health, metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from router import chat, signals
from router.chat import ChatRequest
from router.consider import ANYBODY, Caller, head, named
from router.dialects.messages import Messages, to_count
from router.dialects.responses import Responses
from router.errors import MethodNotAllowed, Problem
from router.explanation import explanation
from router.metrics import CONTENT_TYPE
from router.server import feedback
from router.server.caller import identify
from router.server.chat import ClientLeft, read
from router.server.nowhere import meant, nothing_at
from router.server.service import Service

__all__ = ["Desk"]

JSON = "application/json"
_MESSAGES = "/v1/messages"
"""Below here errors are told as Anthropic tells them."""
Endpoint = Callable[[Request, Caller], Awaitable[Response]]


class Desk:
    """The endpoints that are not hot, on Starlette."""

    def __init__(self, service: Service, hot: Mapping[str, ASGIApp]) -> None:
        """Serve everything but `hot`: those paths are known here only for who comes with the wrong method."""
        self._service = service
        self.app = Starlette(
            routes=[
                *(Route(path, endpoint, methods=["POST"]) for path, endpoint in hot.items()),
                Route("/v1/models", self._with_key(self.models), methods=["GET"]),
                Route("/v1/models/{name:path}", self._with_key(self.model), methods=["GET"]),
                Route("/v1/route", self._with_key(self.route), methods=["POST"]),
                Route(f"{_MESSAGES}/count_tokens", self._with_key(self.count_tokens), methods=["POST"]),
                Route("/v1/responses/input_tokens", self._with_key(self.input_tokens), methods=["POST"]),
                Route("/v1/feedback", self._with_key(self.feedback), methods=["POST"]),
                Route("/v1/decisions/{id}", self._with_key(self.decision), methods=["GET"]),
                Route("/healthz", self.healthz, methods=["GET"]),
                Route("/readyz", self.readyz, methods=["GET"]),
                Route("/metrics", self.metrics, methods=["GET"]),
            ],
            exception_handlers={
                HTTPException: self._not_here,
                Problem: self._problem,
                ClientLeft: self._left,
                Exception: self._fault,
            },
        )
        self.app.router.redirect_slashes = False

    async def models(self, _request: Request, _caller: Caller) -> Response:
        """Every name a client may put in `model`, as OpenAI lists models."""
        plan = self._service.pipeline.plan
        return _json({"object": "list", "data": [self._card(name) for name in plan.routes]})

    async def model(self, request: Request, _caller: Caller) -> Response:
        """One of them."""
        name = request.path_params["name"]
        return _json(self._card(named(self._service.pipeline.plan, name).name))

    def _card(self, name: str) -> dict[str, object]:
        plan = self._service.pipeline.plan
        kind = plan.routes[name].kind
        card = {"id": name, "object": "model", "created": int(plan.created), "owned_by": f"smallfirst-{kind}"}
        deployment = plan.deployments.get(name)
        if deployment is None or deployment.tune is None:
            return card
        return {**card, "tune": deployment.tune.model_dump(mode="json", exclude={"prompt"}, exclude_none=True)}

    async def route(self, request: Request, caller: Caller) -> Response:
        """Decide, and call nothing."""
        pipeline = self._service.pipeline
        raw = await read(request.scope, request.receive, pipeline.plan.max_body)
        return _json(explanation(await pipeline.consider(chat.parse(raw), caller)))

    async def count_tokens(self, request: Request, caller: Caller) -> Response:
        """Estimate how many tokens a request of Anthropic's has, as rules and prices do that are asked beforehand."""
        return _json({"input_tokens": await self._tokens(request, caller, to_count)})

    async def input_tokens(self, request: Request, caller: Caller) -> Response:
        """The same of a request for a response."""
        tokens = await self._tokens(request, caller, lambda raw: Responses().read(raw).request)
        return _json({"object": "response.input_tokens", "input_tokens": tokens})

    async def _tokens(self, request: Request, caller: Caller, reading: Callable[[bytes], ChatRequest]) -> int:
        plan = self._service.pipeline.plan
        asked = reading(await read(request.scope, request.receive, plan.max_body))
        facts = head(plan, asked, caller).signals or signals.read(asked)
        return facts.tokens

    async def feedback(self, request: Request, caller: Caller) -> Response:
        """Take what somebody says about an answer."""
        service = self._service
        plan = service.pipeline.plan
        said = feedback.read(await read(request.scope, request.receive, plan.max_body))
        whom = await service.intake.identify(said.id, caller, plan)
        taken = await service.intake.take(said, whom, caller, service.retention, service.books.feedback)
        return _json({"object": "feedback", "id": whom.id, "result": taken}, 202)

    async def decision(self, request: Request, caller: Caller) -> Response:
        """What was decided about a request within the last day, by its id or its completion's."""
        return _json(await self._service.decisions.told(request.path_params["id"], caller, self._service.pipeline.plan))

    async def healthz(self, _request: Request) -> Response:
        """Whether this process is alive."""
        return _json({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Whether it may receive traffic; it may without what is shared, too."""
        service = self._service
        plan = service.pipeline.plan
        if service.stopping:
            return _json({"status": "stopping", "policy": plan.version}, 503)
        status = "ready" if service.store.up else "degraded"
        return _json({"status": status, "policy": plan.version})

    async def metrics(self, _request: Request) -> Response:
        """Everything that is counted by all workers; made in slices, between which requests have their turn."""
        parts = []
        for part in self._service.metrics.parts():
            parts.append(part)
            await asyncio.sleep(0)
        return Response(b"".join(parts), media_type=CONTENT_TYPE)

    def _with_key(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def authenticated(request: Request) -> Response:
            return await endpoint(request, identify(request.scope, self._service.keyring))

        return authenticated

    async def _not_here(self, request: Request, error: Exception) -> Response:
        """Starlette's own refusals, in OpenAI's words."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 405 and isinstance(error, HTTPException):
            allow = {name.lower(): value for name, value in (error.headers or {}).items()}
            told: Problem = MethodNotAllowed(
                f"{request.url.path} does not know the method {request.method}", headers=allow
            )
        else:
            path = request.url.path
            told = nothing_at(request.method, path, meant(path, self._knows))
        return await self._problem(request, told)

    def _knows(self, path: str) -> bool:
        """Whether there is an endpoint at a path, whatever its method."""
        asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
        return any(route.matches(asked)[0] is not Match.NONE for route in self.app.routes)

    async def _left(self, _request: Request, _error: Exception) -> Response:
        """A client who left before its request was whole; nobody reads this answer."""
        self._service.pipeline.left()
        return Response(status_code=499)

    async def _fault(self, request: Request, _error: Exception) -> Response:
        """A fault of ours; uvicorn writes it to the log."""
        return await self._problem(
            request, Problem("internal error; the server's log says more", code="internal_error")
        )

    async def _problem(self, request: Request, error: Exception) -> Response:
        """An error of ours: told in OpenAI's envelope or Anthropic's, and counted."""
        if not isinstance(error, Problem):
            raise error
        reply = self._service.pipeline.refuse(error, ANYBODY)
        body, headers = reply.body, [*reply.headers]
        if (meant(request.url.path, self._knows) or request.url.path).startswith(_MESSAGES):
            id_ = dict(headers)[b"x-request-id"]
            body = orjson.dumps(Messages().problem(reply.status, orjson.loads(body)["error"], id_.decode()))
            headers.append((b"request-id", id_))
        response = Response(body, reply.status)
        response.raw_headers[:] = [*headers, (b"content-length", b"%d" % len(body))]
        await reply.aclose()
        return response


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type=JSON)

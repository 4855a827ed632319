"""The life of one request for embeddings: from a parsed body to a reply.

::

    same_model  whom does it name? what do the rules require of its texts? which deployments may answer?
    limits      may this key ask for this now?
    embedding   ask them in turn, until one has answered
    reply       what the client gets; closing it ends the request, and its outcome goes to whoever counts

It is no chat completion: nothing is difficult, judged, escalated, remembered or learned from. What both have in common
(deployments, breakers, places, failures, ids, headers, books) is the same.
"""

import asyncio
from dataclasses import replace
from functools import partial

from router import same_model
from router.consider import ANYBODY, Caller
from router.embeddings import EmbeddingRequest
from router.errors import Problem
from router.limits import Held
from router.outcome import Outcome
from router.pipeline import Pipeline, settling
from router.plan import Plan
from router.rules import FREE, Bounds
from router.same_model import Target
from router.upstream.embedding import Embedding
from router.upstream.reply import Reply, Sink, refused

__all__ = ["embed", "refuse"]


async def embed(pipeline: Pipeline, request: EmbeddingRequest, caller: Caller = ANYBODY) -> Reply:
    """Answer a request. What goes wrong is a reply too; only a client who leaves ends this early."""
    plan, pool = pipeline.plan, pipeline.pool
    journey, close = pipeline.begin(caller), _closing(pipeline)
    held: Held | None = None
    try:
        target = same_model.aimed(plan, request, caller)
        if (allowance := caller.allowance or pipeline.anybody) is not None:
            held = await pipeline.limits.take(allowance, request.tokens())
            close = settling(held, journey, plan, close)
        journey.route = target.told
        target, bounds = await _bounds(plan, target, request, caller)
        journey.route = target.told
        journey.decision = decision = same_model.chosen(target, bounds, request, caller)
        asking = Embedding(request, journey, pool, decision=decision, deadline=target.route.deadline)
        answer = await asking.run()
    except Problem as told:
        return _told(refused(told, journey, close), held)
    except asyncio.CancelledError:
        close(journey.outcome(499, "left", "client_left"))
        raise
    except Exception:  # nobody counts it: a fault of ours
        if held is not None:
            held.release()
        raise
    journey.answered()
    return _told(Reply(journey, close, answer.content_type, body=answer.raw), held)


def _told(reply: Reply, held: Held | None) -> Reply:
    """A reply that says what its key has left, where there is a limit."""
    if held is not None:
        reply.headers += held.headers
    return reply


def refuse(pipeline: Pipeline, told: Problem, caller: Caller = ANYBODY) -> Reply:
    """Turn a request away that never got as far as a route."""
    return refused(told, pipeline.begin(caller), _closing(pipeline))


def _closing(pipeline: Pipeline) -> Sink:
    return partial(_close, pipeline)


def _close(pipeline: Pipeline, outcome: Outcome) -> None:
    """Hand an outcome to whoever counts, as one that is no chat completion."""
    pipeline.close(replace(outcome, operation="embeddings"))


async def _bounds(plan: Plan, target: Target, request: EmbeddingRequest, caller: Caller) -> tuple[Target, Bounds]:
    """What the rules come to, and where they lead; many texts are read a few at a time, and others have their turn.

    Raises:
        BadRequest: they cannot be read, or lead to other vectors.
    """
    bounds = FREE
    while target.route.rules:
        every = target.route.rules
        same_model.readable(target, request)
        slices = same_model.asked(request, caller, pii=plan.reads_pii)
        texts = next(slices)
        holding = same_model.held(every, texts)
        for more in slices:
            await asyncio.sleep(0)
            holding |= same_model.held(every, more)
        bounds = same_model.bounded(every, holding, bounds.require, texts[0])
        if bounds.route is None:
            break
        target = same_model.handed(plan, target, bounds)
    return target, bounds

"""The request as one tier, or one tune, should see it.

::

    prompt      what is added to a conversation: system prompt, examples, variables
    handoff     what the next tier is told about an answer that was not good enough
    context     sources that are retrieved, and how a model gets to see them
    shape       the body to send; everything we do not change stays as the client sent it
"""

from router.prompts.context import Chunk, Context, Unreadable
from router.prompts.handoff import Handoff
from router.prompts.prompt import Prompt
from router.prompts.shape import Recipient, Shaped, shape

__all__ = ["Chunk", "Context", "Handoff", "Prompt", "Recipient", "Shaped", "Unreadable", "shape"]

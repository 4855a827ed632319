"""What the next tier is told about an answer that was not good enough: as data, bounded, in words one can change.

It goes behind the user's last words, never into the system prompt: a draft is a model's text about a client's text, and
nobody's instruction. And there it leaves the prompt before it as it was, so that prompt caches still hit.
"""

from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from router.chat import Choice, Completion
from router.policy import Policy, templates
from router.policy.files import HANDED
from router.policy.schema import Handoff as Spec
from router.policy.templates import Template

__all__ = ["Handoff", "handed"]

_LONGEST_DRAFT = 8_000
_CUT = "\n[…]\n"
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handoff:
    """How a tier is told; without words it is told nothing."""

    words: Template = ()
    draft: bool = False
    """Whether the words are about a draft, so that without one there is nothing to tell."""

    @classmethod
    def of(cls, spec: Spec, policy: Policy) -> "Handoff":
        """Compile what a policy says."""
        if spec.give == "none":
            return cls()
        text = policy.read_text(spec.template) if spec.template else shipped(spec.give)
        return cls(templates.parse(text.strip(), HANDED[spec.give].__contains__), spec.give == "draft")

    def told(self, completion: Completion, verdict: str) -> str | None:
        """Return the words about this answer; None when there is nothing to tell."""
        draft = _draft(completion.choices[0]) if completion.choices else ""
        if not self.words or (self.draft and not draft):
            return None
        return templates.fill(self.words, {"verdict": verdict, "draft": escape(draft, quote=False)})


def shipped(give: str) -> str:
    """Return the words that are used when a policy has none of its own."""
    return (files("router.prompts") / f"handoff-{give}.md").read_text("utf-8")


def handed(messages: list[Message], told: str) -> list[Message]:
    """Put the words behind the user's last ones; an answer that the client itself began is left to be continued."""
    last = messages[-1]
    if last["role"] == "assistant":
        return messages
    content = last.get("content")
    if last["role"] != "user" or content is None:
        return [*messages, {"role": "user", "content": told}]
    if isinstance(content, str):
        return [*messages[:-1], {**last, "content": f"{content}\n\n{told}"}]
    return [*messages[:-1], {**last, "content": [*content, {"type": "text", "text": told}]}]


def _draft(choice: Choice) -> str:
    """What an answer said: its words, its refusal, its tool calls; of a long one the beginning and the end."""
    calls = [_called(call.get("function")) for call in choice.tool_calls]
    text = "\n".join(filter(None, (choice.content.strip(), choice.refusal.strip(), *calls)))
    half = _LONGEST_DRAFT // 2
    return text if len(text) <= _LONGEST_DRAFT else text[:half] + _CUT + text[-half:]


def _called(function: object) -> str:
    """A tool call as one reads it; what is no text in it is left out."""
    said = function if isinstance(function, dict) else {}
    name, arguments = (value if isinstance(value := said.get(key), str) else "" for key in ("name", "arguments"))
    return f"{name}({arguments})"

"""`judge`: what does another model think of the answer?

The check itself asks nobody. It says what to ask, what the words mean that come back, and what follows from a score;
fetching the score is the climb's business, which knows the time, the money and the deployments.
"""

import re
from html import escape
from importlib.resources import files
from typing import Any, ClassVar

import orjson
from typing_extensions import override

from router.chat import ChatRequest, Choice, Completion, text_of
from router.policy import templates
from router.policy.checks import Judge as Spec
from router.policy.files import JUDGED
from router.verify.verdict import ACCEPTED, Check, Verdict

__all__ = ["Judge"]

_MOST_ASKED = 12_000
"""Characters of the conversation that a judge reads: the end of it, which is what was asked."""
_MOST_SAID = 12_000
"""Characters of the answer: its beginning."""
_OBJECT = re.compile(r"\{[^{}]*\}")


class Judge(Check):
    """Escalates what another deployment scores too low; an opinion that cannot be had is none."""

    name = "judge"
    reasons: ClassVar[tuple[str, ...]] = ("low_score",)

    def __init__(self, spec: Spec, words: str | None = None) -> None:
        """Ask in these words; None: in the shipped ones."""
        self.deployment = spec.deployment
        self.rate = spec.rate
        self.timeout = spec.timeout
        self._least = spec.min
        text = words if words is not None else (files("router.verify") / "judge.md").read_text("utf-8")
        self._words = templates.parse(text.strip(), JUDGED.__contains__)

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        """Nothing that could be known without asking."""
        return None

    def question(self, request: ChatRequest, completion: Completion) -> list[dict[str, str]]:
        """What the judge is asked: about the first choice, without a word on who gave it, with the sources it had."""
        asked = "\n\n".join(f"{message['role']}: {_words(message)}" for message in request.messages)
        choice = completion.choices[0]
        calls = [f"[calls {orjson.dumps(call.get('function'), default=str).decode()}]" for call in choice.tool_calls]
        said = "\n".join([text for text in (choice.content[:_MOST_SAID], choice.refusal, *calls) if text])
        asked = escape(asked[-_MOST_ASKED:], quote=False)
        if request.given:
            asked = f"{asked}\n\n<sources>\n{request.given}\n</sources>"
        values = {"request": asked, "answer": escape(said, quote=False)}
        return [{"role": "user", "content": templates.fill(self._words, values)}]

    def verdict(self, score: float) -> Verdict:
        """What follows from a score."""
        return ACCEPTED if score >= self._least else Verdict(accepted=False, reason=self.reasons[0])


def score(opinion: Completion) -> float | None:
    """The score in a judge's words, from 0 to 1; None when there is none that can be read.

    The last object counts: a judge thinks before it says what it thinks.
    """
    for found in reversed(_OBJECT.findall(opinion.choices[0].content)):
        try:
            said = orjson.loads(found).get("score")
        except orjson.JSONDecodeError:
            continue
        if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= 1:
            return float(said)
    return None


def _words(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(text for part in content if isinstance(text := part.get("text"), str))
    return text_of(content)

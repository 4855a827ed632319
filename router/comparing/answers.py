"""How much two answers agree, from 0 to 1, by the method that suits their shape."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from router.chat import Choice, Completion

__all__ = ["SAME", "Compared", "Method", "compare", "method_for"]

Method = Literal["exact", "json", "numeric", "f1", "tools"]
"""How answers are compared: the same words · the same JSON value · the same number · shared words · the same calls."""

SAME: Final = 0.8
"""Agreement from which two answers count as the same one."""
_MOST = 8_000
"""Characters of an answer that are compared word by word."""
_FEW_WORDS = 5
"""An answer of so few words is a label or a name: a word more or less is another answer."""
_CLOSE = 1e-6
_FENCE = "```"
_LANGUAGE = re.compile(r"[\w-]*[^\S\n]*")
_NUMBER = r"[-+−]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"(?<![\w.]){_NUMBER}")
_FINAL = re.compile(rf"(?:####|\\boxed\{{|\b(?:final )?answer(?: is)?)[\s:=*$€£\\(]{{0,24}}({_NUMBER})", re.IGNORECASE)
_ONLY = re.compile(rf"[\s*$€£¥]{{0,24}}({_NUMBER})\s{{0,4}}(?:%|[a-zA-Z°€£¥/²³]{{1,12}})?[\s*.]{{0,24}}")
"""Both say how long what stands around a number may be: a model that writes spaces without end must cost no more than
its text is long. (Three rows of spaces, each as long as it likes, once took 45 seconds for 2,000.)"""
_CONTINUOUS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f\u0e00-\u0e7f]")
"""Scripts written without spaces: each character counts as a word."""
_WORDS = re.compile(rf"{_CONTINUOUS.pattern}|(?:(?!{_CONTINUOUS.pattern})\w)+")


@dataclass(frozen=True, slots=True)
class Compared:
    """How far two answers agree, and how that was found out."""

    score: float
    method: Method

    @property
    def same(self) -> bool:
        """Whether they are as good as one answer."""
        return self.score >= SAME


def compare(one: Completion, other: Completion, method: Method | None = None) -> Compared:
    """How far the first choices of two answers agree; without a method, by the one that suits them.

    Calls of tools are compared as calls, whatever the method: what an answer says beside them is for nobody.
    """
    here, there = one.choices[0], other.choices[0]
    chosen = "tools" if here.tool_calls or there.tool_calls else method or method_for(here, there)
    if chosen == "tools":
        return Compared(float(_calls(here) == _calls(there)), chosen)
    return Compared(_METHODS[chosen](said(here), said(there)), chosen)


def method_for(one: Choice, other: Choice) -> Method:
    """The method that suits two answers: what is a value is compared as one, what is prose word by word."""
    if one.tool_calls or other.tool_calls:
        return "tools"
    texts = said(one), said(other)
    if any(isinstance(_json(text), dict | list) for text in texts):
        return "json"
    if all(_number(text) is not None for text in texts):
        return "numeric"
    return "exact" if all(len(_words(text)) <= _FEW_WORDS for text in texts) else "f1"


def said(choice: Choice) -> str:
    """An answer's words; a refusal is one too."""
    return choice.content or choice.refusal


def _exact(one: str, other: str) -> float:
    """Alike but for case, spaces and punctuation; where there is nothing else, for spaces."""
    first, second = _words(one), _words(other)
    return float(first == second if first or second else one.split() == other.split())


def _same_json(one: str, other: str) -> float:
    """The same JSON value: order of fields, spaces, and a fence around it do not count."""
    first, second = _json(one), _json(other)
    return float(first is not _Nothing and second is not _Nothing and _equal(first, second))


def _equal(one: object, other: object) -> bool:
    match one, other:
        case bool(), _:
            return one is other
        case ((int() | float()), (int() | float())):
            return not isinstance(other, bool) and math.isclose(one, other, rel_tol=_CLOSE)
        case dict(), dict():
            return one.keys() == other.keys() and all(_equal(value, other[name]) for name, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(_equal, one, other))
        case _:
            return one == other


class _Nothing:
    """What stands for text that is not JSON."""


def _json(text: str) -> object:
    """Text as the JSON value that it is, alone or in a fence; `_Nothing` when it is none."""
    try:
        return orjson.loads(_unfenced(text.strip()))
    except orjson.JSONDecodeError:
        return _Nothing


def _unfenced(text: str) -> str:
    """What stands in a fence around all of a text; found without a pattern, which would look back from every line."""
    if not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    language, _, inside = text[len(_FENCE) : -len(_FENCE)].partition("\n")
    return inside if inside and _LANGUAGE.fullmatch(language) else text


def _numeric(one: str, other: str) -> float:
    """The same final number, whatever leads to it."""
    first, second = _last_number(one), _last_number(other)
    return float(first is not None and second is not None and math.isclose(first, second, rel_tol=_CLOSE, abs_tol=1e-9))


def _number(text: str) -> float | None:
    """The number that an answer comes to, when it clearly does: nothing but one, or one that it calls its answer."""
    if (only := _ONLY.fullmatch(text.strip())) is not None:
        return _value(only[1])
    found = _FINAL.findall(text[-_MOST:])
    return _value(found[-1]) if found else None


def _last_number(text: str) -> float | None:
    """The same, or else the last number there is."""
    if (clear := _number(text)) is not None:
        return clear
    found = _NUMBERS.findall(text[-_MOST:])
    return _value(found[-1]) if found else None


def _value(text: str) -> float | None:
    try:
        return float(text.replace(",", "").replace("−", "-"))
    except ValueError:
        return None


def _f1(one: str, other: str) -> float:
    """The harmonic mean of how many words of each are in the other (Rajpurkar et al., SQuAD, 2016)."""
    first, second = Counter(_words(one)), Counter(_words(other))
    if not first or not second:
        return float(first == second)
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total())


def _words(text: str) -> list[str]:
    """Words in small letters, punctuation apart."""
    return _WORDS.findall(unicodedata.normalize("NFKC", text[:_MOST]).casefold())


def _calls(choice: Choice) -> list[tuple[str, bytes]]:
    """What is called with what, in an order of its own: parallel calls have none."""
    return sorted(_call(call) for call in choice.tool_calls)


def _call(call: Mapping[str, Any]) -> tuple[str, bytes]:
    function = call.get("function")
    named = function if isinstance(function, Mapping) else call
    arguments = named.get("arguments")
    read = _json(arguments) if isinstance(arguments, str) else arguments
    return str(named.get("name")), orjson.dumps(_plain(str(arguments) if read is _Nothing else read))


def _plain(value: object) -> object:
    """A value written in the one way that equal values have in common."""
    match value:
        case dict():
            return {str(name): _plain(value[name]) for name in sorted(value, key=str)}
        case list():
            return [_plain(each) for each in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value


_METHODS: Mapping[Method, Callable[[str, str], float]] = {
    "exact": _exact,
    "json": _same_json,
    "numeric": _numeric,
    "f1": _f1,
}

"""Is a recorded answer right, by a rule that anybody can check by hand?

Every row of the bundled workload carries `expected`, a mapping with one rule. The score of an answer is what the rule
says and nothing else, so that the scores of the demo can be recomputed (and a test does).

    {"exact": "DISTINCT"}                       the answer, less backticks or a fence around it; a list: any of these
    {"number": 3600}                            the last number in the answer
    {"contains": ["30 days"], "excludes": […], "max_words": 40}
                                                every phrase, none of those, not longer; in either letter case
    {"json": {"order": "A-17"}}                 the answer is JSON and equals this, key order aside
    {"regex": {"matches": […], "rejects": […]}} the answer is a pattern; it matches all of these whole, none of those
    {"tool": {"name": …, "arguments": {…}}}     the answer calls exactly this tool with exactly these arguments
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isclose
from typing import Any

Rule = Callable[[Any, str], bool]

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
_FENCE = re.compile(r"\A```[\w-]*\n(?P<body>.*?)\n?```\Z", re.DOTALL)


def grade(expected: Mapping[str, Any], answer: str, tool_calls: Sequence[Mapping[str, Any]] = ()) -> int:
    """Say whether an answer is right: 1 or 0.

    `tool_calls` are the calls of the answer as `{"name": …, "arguments": {…}}`; only the rule `tool` reads them.
    Raises ValueError for a rule nobody knows, because a workload with a misspelt rule has no score at all.
    """
    match expected:
        case {"tool": call}:
            return int(list(tool_calls) == [call])
        case {"contains": phrases}:
            return int(_contains(phrases, answer, expected.get("excludes", ()), expected.get("max_words")))
    for name, rule in _RULES.items():
        if name in expected:
            return int(rule(expected[name], answer))
    message = f"no rule among {sorted(expected)}; there are contains, tool, {', '.join(_RULES)}"
    raise ValueError(message)


def _exact(wanted: str | Sequence[str], answer: str) -> bool:
    options = [wanted] if isinstance(wanted, str) else wanted
    return _bare(answer) in options


def _number(wanted: float, answer: str) -> bool:
    found = _NUMBER.findall(answer)
    return bool(found) and isclose(float(found[-1].replace(",", "")), wanted, abs_tol=1e-6)


def _contains(phrases: Sequence[str], answer: str, excludes: Sequence[str], max_words: int | None) -> bool:
    text = " ".join(answer.split()).casefold()
    short_enough = max_words is None or len(text.split()) <= max_words
    return (
        short_enough
        and all(phrase.casefold() in text for phrase in phrases)
        and not any(phrase.casefold() in text for phrase in excludes)
    )


def _json(wanted: object, answer: str) -> bool:
    try:
        return bool(json.loads(answer) == wanted)
    except ValueError:
        return False


def _regex(wanted: Mapping[str, Sequence[str]], answer: str) -> bool:
    try:
        pattern = re.compile(_bare(answer))
    except re.error:
        return False
    return all(pattern.fullmatch(text) for text in wanted["matches"]) and not any(
        pattern.fullmatch(text) for text in wanted["rejects"]
    )


def _bare(answer: str) -> str:
    text = answer.strip()
    if fenced := _FENCE.match(text):
        return fenced["body"].strip()
    return text.strip("`")


_RULES: dict[str, Rule] = {"exact": _exact, "number": _number, "json": _json, "regex": _regex}

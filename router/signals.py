"""Cheap facts of one request: how long, of what kind, in which language, with what attached.

The counts describe the *subject*: the user's text that the next answer is about. A turn that only says "yes" or
"continue", and a turn that only brings tool results, inherits the text that it continues. At most `SUBJECT_LIMIT`
characters of it are looked at.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson

from router import pii as personal
from router.chat import ChatRequest
from router.frozen import frozen

SUBJECT_LIMIT: Final = 4_000
"""Characters of the subject that are read: of a longer one its first 3,000 and its last 1,000."""

_HEAD, _TAIL = 3_000, 1_000
_MOST_REMEMBERED = 100_000
"""Characters of a system prompt up to which it is kept with its fingerprint: traffic repeats its few system prompts,
and a client that sends ever other ones of 30 MB shall not fill the memory with them."""
_SHORT = 80  # A user turn below this many characters may only make sense with the turns before it.
_TOKENS_PER_IMAGE, _TOKENS_PER_AUDIO = 800, 400  # Neither can be told from the length of its base64.
_TOKENS_PER_MESSAGE = 4
_INSTRUCTION_ROLES = frozenset({"system", "developer"})
_RESULT_ROLES = frozenset({"tool", "function"})
_IMAGES = frozenset({"image_url", "input_image", "image"})
_SAID = ("refusal", "reasoning_content", "name")
_BESIDES = frozenset({*_SAID, "tool_calls", "function_call"})
_CALLED = ("function", "custom")
_GIVEN = ("name", "arguments", "input")
_NO_PII: frozenset[str] = frozenset()

_DIGITS: Final = b"0123456789"
_LOWER: Final = bytes(range(256)).lower()
_AROUND_WORDS: Final = b".,:;!?()"  # taken out wherever they stand: inside a cue they do not stand
_CODE_MARKS: Final = b"{};`<>_#"
_CODE_WORDS: Final = frozenset(
    (b"def class import return function const var let select void int str null self public static async await ").split()
)
_MATHS_MARKS: Final = b"=^\\%$+*/"
_MATHS_WORDS: Final = frozenset(
    (b"sum equation integral derivative prove probability matrix average percent ratio total solve polynomial ").split()
)
_NEGATIONS: Final = frozenset(
    b"not no never none neither nor without except least incorrect false unlikely cannot".split()
)
_KINDS: Final = bytes.maketrans(_DIGITS + _CODE_MARKS + _MATHS_MARKS, b"0" * 10 + b"{" * 8 + b"=" * 8)
_UNMARKED: Final = bytes(set(range(256)).difference(_DIGITS, _CODE_MARKS, _MATHS_MARKS, b"?,'"))
_QUESTION, _APOSTROPHE = b"?'"  # numbers: who looks for bytes in bytes raises an error first, and drops it
_CUES: Final = _CODE_WORDS | _MATHS_WORDS | _NEGATIONS
_SCRIPTS = (
    ("cyrillic", 0x0400, 0x052F),
    ("hebrew", 0x0590, 0x05FF),
    ("arabic", 0x0600, 0x077F),
    ("indic", 0x0900, 0x0DFF),
    ("thai", 0x0E00, 0x0E7F),
    ("hangul", 0x1100, 0x11FF),
    ("cjk", 0x3040, 0x9FFF),
    ("hangul", 0xAC00, 0xD7AF),
    ("greek", 0x0370, 0x03FF),
    ("cjk", 0x20000, 0x3134F),
)
_SCRIPT_SAMPLE = 200


@frozen
class Signals:
    """The facts of one request that rules may ask for and difficulty starts from."""

    characters: int
    """Characters of the subject, all of them."""
    words: int
    lines: int
    """Lines with something on them."""
    digits: int
    code: int
    maths: int
    questions: int
    negations: int
    commas: int
    tokens: int
    """Prompt tokens of the whole conversation with its tools, estimated at four bytes each; never capped."""
    tools: int
    tool_results: int
    images: int
    audio: int
    json_schema: bool
    turns: int
    """User turns."""
    system: str | None
    """Fingerprint of the system and developer prompt, whitespace apart; see `prompt_hash`."""
    language: str
    """The script most of the letters beyond ASCII are written in; `latin` when there are few."""
    pii: frozenset[str]
    """Kinds of personal data in any message; empty unless they were asked for."""


def read(request: ChatRequest, *, pii: bool = False) -> Signals:
    """Return the facts of `request`. Personal data are searched for in every message, and only with `pii`."""
    body = request.body
    messages, tools, wanted = body["messages"], body.get("tools") or body.get("functions"), body.get("response_format")
    turns, results, images, audio, instructions, size = _seen(messages)
    text = _subject(messages)
    sample = clip(text)
    encoded = sample.encode(errors="replace")
    words = encoded.translate(_LOWER, _AROUND_WORDS).split()
    digits = code = maths = questions = negations = commas = 0
    if not _CUES.isdisjoint(words):
        cues = [*filter(_CUES.__contains__, words)]
        code = sum(map(_CODE_WORDS.__contains__, cues))
        maths = sum(map(_MATHS_WORDS.__contains__, cues))
        negations = sum(map(_NEGATIONS.__contains__, cues))
    if marks := encoded.translate(_KINDS, _UNMARKED):  # one look at all of it; what counts is counted among these few
        digits = marks.count(b"0")
        if len(marks) > digits:
            code += marks.count(b"{")
            maths += marks.count(b"=")
            commas = marks.count(b",")
            questions = sample.count("?") if _QUESTION in marks else 0  # one that stands for no character is none
            negations += sample.count("n't") if _APOSTROPHE in marks else 0
    language = "latin"
    if not sample.isascii():
        language = _language(sample)
        questions += sample.count("？")
    return Signals(  # in the order of its fields: by their names it takes more than twice as long
        len(text),
        len(words),
        _lines(sample),
        digits,
        code,
        maths,
        questions,
        negations,
        commas,
        (size + _written(tools) if tools else size) // 4
        + (len(messages) * _TOKENS_PER_MESSAGE + images * _TOKENS_PER_IMAGE + audio * _TOKENS_PER_AUDIO),
        len(tools) if isinstance(tools, list) else 0,
        results,
        images,
        audio,
        isinstance(wanted, dict) and wanted.get("type") == "json_schema",
        turns,
        prompt_hash("\n".join(instructions)) if instructions else None,
        language,
        personal.kinds(_everything(request)) if pii else _NO_PII,
    )


def _seen(messages: list[dict[str, Any]]) -> tuple[int, int, int, int, list[str], int]:
    """What one look at every message shows.

    How many turns are a user's and how many bring results of tools, how many parts are images and audio, the texts of
    system and developer prompts, and how many bytes all of it has that is text to somebody.
    """
    turns = results = images = audio = size = 0
    instructions = []
    for message in messages:
        role, text = message["role"], message.get("content")
        if not isinstance(text, str):
            text = content(message)
            kinds = [str(part.get("type")) for part in _parts(message)]
            images += sum(map(_IMAGES.__contains__, kinds))
            audio += kinds.count("input_audio")
        size += len(text) if text.isascii() else _size(text)
        if not _BESIDES.isdisjoint(message):
            size += sum([_size(said) for said in _besides(message)])
        if role == "user":
            turns += 1
        elif role in _INSTRUCTION_ROLES:
            instructions.append(text)
        elif role in _RESULT_ROLES:
            results += 1
    return turns, results, images, audio, instructions, size


def subject(request: ChatRequest) -> str:
    """Return the text that the next answer is about: the last user turn, with the turns before it while it is short.

    Tool calls and tool results that follow the last user turn belong to it. A request without a
    user turn is about its last message.
    """
    return _subject(request.messages)


def _subject(messages: list[dict[str, Any]]) -> str:
    last = len(messages) - 1
    if messages[last]["role"] != "user":
        last = next((i for i in range(last, -1, -1) if messages[i]["role"] == "user"), last)
    said = content(messages[last])
    if len(said) >= _SHORT:
        return said
    about, length = [said], len(said)
    while length < _SHORT and last > 0:
        last -= 1
        if messages[last]["role"] not in _INSTRUCTION_ROLES:
            about.append(said := content(messages[last]))
            length += len(said)
    return "\n".join(reversed(about))


def content(message: dict[str, Any]) -> str:
    """Return a message's text; the text parts joined by line breaks when it has parts."""
    value = message.get("content")
    if isinstance(value, str):
        return value
    return "\n".join(part["text"] for part in _parts(message) if isinstance(part.get("text"), str))


def clip(text: str) -> str:
    """Return what is looked at of a long text: its beginning and its end, where requests say what they want."""
    return text if len(text) <= SUBJECT_LIMIT else text[:_HEAD] + "\n" + text[-_TAIL:]


def prompt_hash(text: str) -> str:
    """Return the fingerprint of a prompt: 16 hex digits that ignore how its whitespace is laid out."""
    return _remembered(text) if len(text) <= _MOST_REMEMBERED else _fingerprint(text)


def _fingerprint(text: str) -> str:
    return blake2b(" ".join(text.split()).encode(errors="replace"), digest_size=8).hexdigest()


_remembered = lru_cache(maxsize=32)(_fingerprint)


def _lines(text: str) -> int:
    if "\n" not in text:
        return int(bool(text) and not text.isspace())
    return sum([not line.isspace() for line in text.split("\n") if line])


def _parts(message: dict[str, Any]) -> Sequence[dict[str, Any]]:
    value = message.get("content")
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else ()


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


def _written(tools: object) -> int:
    """How long the tools are as JSON; nothing when they are nested deeper than it can be written."""
    try:
        return len(orjson.dumps(tools, default=str))
    except orjson.JSONEncodeError:
        return 0


def _besides(message: dict[str, Any]) -> Iterator[str]:
    """Yield what else in a message is text to somebody: a refusal, what its tool calls are given."""
    for field in _SAID:
        if isinstance(value := message.get(field), str):
            yield value
    calls = message.get("tool_calls")
    for call in [*(calls if isinstance(calls, list) else []), {"function": message.get("function_call")}]:
        for kind in _CALLED if isinstance(call, dict) else ():
            if isinstance(called := call.get(kind), dict):
                yield from (value for field in _GIVEN if isinstance(value := called.get(field), str))


def _everything(request: ChatRequest) -> Iterator[str]:
    for message in request.messages:
        yield content(message)
        yield from _besides(message)


def _language(text: str) -> str:
    letters = [character for character in text if character > "\u024f" and character.isalpha()][:_SCRIPT_SAMPLE]
    if 4 * len(letters) < min(
        len(text), _SCRIPT_SAMPLE
    ):  # A Greek letter in a formula does not make the question Greek.
        return "latin"
    votes: dict[str, int] = {}
    for letter in letters:
        name = next((name for name, low, high in _SCRIPTS if low <= ord(letter) <= high), "other")
        votes[name] = votes.get(name, 0) + 1
    return max(votes, key=lambda name: votes[name]) if votes else "latin"

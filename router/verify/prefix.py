"""Can this still become the JSON that was asked for? Asked after every piece, wherever a stream splits it.

RFC 8259's grammar as a state machine that reads each character once, and beside it the shape (`router.verify.shapes`)
of the value that is being written. What it calls broken, no ending repairs; what it accepts may still turn out wrong.
"""

import re

import orjson

from router.verify.shapes import NEVER, Shape

__all__ = ["JsonPrefix"]

_PLAIN = re.compile(r'[^"\\\x00-\x1f]*').match
_SPACE = " \t\n\r"
_DIGITS = frozenset("+-.0123456789eE")
_WORDS = {"true": True, "false": False, "null": None}
_HEX = frozenset("0123456789abcdefABCDEF")
_VALUE, _FIRST_ITEM, _FIRST_NAME, _NAME, _COLON, _AFTER, _STRING, _ESCAPE, _HEXES, _WORD, _DIGIT, _END = range(12)


class JsonPrefix:
    """Reads one JSON text piece by piece; `feed` gives a reason as soon as it is broken for good.

    The reasons: `fenced` (it opens with a code fence), `not_json` (nothing JSON begins like this), and `misfit`, by
    whatever name the caller wants, for a value that does not have the shape.
    """

    __slots__ = ("_hexes", "_in_name", "_kept", "_misfit", "_shape", "_stack", "_state", "_text")

    def __init__(self, shape: Shape | None, misfit: str = "schema") -> None:
        self._shape = shape  # of the value that comes next, or is being written
        self._misfit = misfit
        self._state = _VALUE
        self._stack: list[tuple[Shape | None, set[str] | None]] = []  # containers: shape, and an object's names so far
        self._in_name = False
        self._kept = False  # whether the string's text matters
        self._text = ""  # of the scalar or name being written
        self._hexes = 0

    def feed(self, text: str) -> str | None:
        """Take what comes next."""
        at, end = 0, len(text)
        while at < end:
            state = self._state
            if state == _STRING:
                stop = _PLAIN(text, at).end()  # type: ignore[union-attr]  # it matches anything, nothing too
                if self._kept:
                    self._text += text[at:stop]
                if stop == end:
                    return None
                at = stop + 1
                if text[stop] == '"':
                    reason = self._close_string()
                elif text[stop] == "\\":
                    self._state, reason = _ESCAPE, None
                else:
                    return "not_json"
            elif state in {_WORD, _DIGIT}:
                at, reason = self._scalar(text, at)
            else:
                char = text[at]
                at += 1
                if char in _SPACE and state not in {_ESCAPE, _HEXES}:
                    continue
                reason = self._mark(state, char)
            if reason is not None:
                return reason
        return None

    def _mark(self, state: int, char: str) -> str | None:  # noqa: PLR0911  one return for each thing that may come
        """One character outside strings' plain text and outside scalars."""
        if state == _AFTER:
            return self._after(char)
        if state == _VALUE or (state == _FIRST_ITEM and char != "]"):
            return self._open(char)
        if state in {_NAME, _FIRST_NAME} and char == '"':
            self._state, self._in_name, self._kept, self._text = _STRING, True, True, ""
            return None
        if state == _COLON and char == ":":
            self._state = _VALUE
            return None
        if (state == _FIRST_NAME and char == "}") or (state == _FIRST_ITEM and char == "]"):
            return self._close(char)
        if state == _ESCAPE:
            return self._escape(char)
        if state == _HEXES and char in _HEX:
            self._text += char
            self._hexes -= 1
            self._state = _HEXES if self._hexes else _STRING
            return None
        return "not_json"

    def _open(self, char: str) -> str | None:
        """The first character of a value."""
        if char == "{":
            return self._enter("object", _FIRST_NAME, set())
        if char == "[":
            return self._enter("array", _FIRST_ITEM, None)
        if char == '"':
            shape = self._shape
            if shape is not None:
                shape = self._shape = shape.narrow("string")
                if shape is NEVER:
                    return self._misfit
            self._state, self._in_name, self._text = _STRING, False, ""
            self._kept = shape is not None and shape.among is not None
            return None
        if char in "tfn":
            self._state = _WORD
        elif char in "-0123456789":
            self._state = _DIGIT
        else:
            return "fenced" if char == "`" and not self._stack else "not_json"
        self._text = char
        return None

    def _enter(self, kind: str, state: int, names: set[str] | None) -> str | None:
        shape = self._shape
        if shape is not None:
            shape = shape.narrow(kind)
            if shape is NEVER:
                return self._misfit
        self._stack.append((shape, names))
        self._state = state
        self._shape = shape.items if shape is not None and kind == "array" else None
        return None

    def _after(self, char: str) -> str | None:
        """What follows a value inside a container."""
        if char != ",":
            return self._close(char)
        shape, names = self._stack[-1]
        if names is not None:
            self._state = _NAME
        else:
            self._state = _VALUE
            self._shape = shape.items if shape is not None else None
        return None

    def _close(self, char: str) -> str | None:
        shape, names = self._stack[-1]
        if char != ("]" if names is None else "}"):
            return "not_json"
        if shape is not None and names is not None and not shape.required <= names:
            return self._misfit
        self._stack.pop()
        return self._done()

    def _done(self, reason: str | None = None) -> str | None:
        """A value is complete; `reason` says what is wrong with it, if anything is."""
        self._state = _AFTER if self._stack else _END
        return reason

    def _escape(self, char: str) -> str | None:
        if char == "u":
            self._state, self._hexes = _HEXES, 4
        elif char in '"\\/bfnrt':
            self._state = _STRING
        else:
            return "not_json"
        if self._kept:
            self._text += "\\" + char
        return None

    def _close_string(self) -> str | None:
        if not self._kept:
            return self._done()
        try:
            value = orjson.loads(f'"{self._text}"') if "\\" in self._text else self._text
        except orjson.JSONDecodeError:  # half of a surrogate pair
            return "not_json"
        if not self._in_name:
            return self._done(None if self._shape is None or self._shape.takes(value) else self._misfit)
        self._state = _COLON
        shape, names = self._stack[-1]
        if names is not None:
            names.add(value)
        if shape is None:
            self._shape = None
        elif value in shape.names:
            self._shape = shape.names[value]
        elif shape.closed:
            return self._misfit
        else:
            self._shape = shape.others
        return None

    def _scalar(self, text: str, at: int) -> tuple[int, str | None]:
        """A number or a word: to its end, or to the end of what is here."""
        if self._state == _WORD:
            while at < len(text) and text[at].isalpha():
                self._text += text[at]
                at += 1
            if not any(word.startswith(self._text) for word in _WORDS):
                return at, "not_json"
            if self._text not in _WORDS:
                return at, None if at == len(text) else "not_json"
            kind = "null" if self._text == "null" else "boolean"
            return at, self._took(_WORDS[self._text], kind)
        start = at
        while at < len(text) and text[at] in _DIGITS:
            at += 1
        self._text += text[start:at]
        if at == len(text):
            return at, None
        try:
            return at, self._took(orjson.loads(self._text), "number")
        except orjson.JSONDecodeError:
            return at, "not_json"

    def _took(self, value: object, kind: str) -> str | None:
        if self._shape is not None:
            shape = self._shape.narrow(kind)
            if shape is NEVER or (shape is not None and not shape.takes(value)):
                return self._misfit
        return self._done()

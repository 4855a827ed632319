"""Which kinds of personal data does a text hold?

Only what can be checked is claimed: a card number passes the Luhn sum and starts like an issuer's, an IBAN has its
country's length and passes the mod-97 sum. Every scan is linear in the length of the text.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

KINDS: Final = frozenset({"email", "card", "iban"})
LIMIT: Final = 1_000_000
"""Characters that are read. Beyond them every kind is assumed to be there: what nobody looked at may not leave."""

_EMAIL = re.compile(r"[\w.+%-]@(?:[\w-]+\.)+[^\W\d_]{2,}")
_DIGIT_RUN = re.compile(r"\d[\d \u00a0\u2009.-]{11,}\d")
_DIGITS = re.compile(r"\d+")
_CARD = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}|6(?:011|22|4|5)\d{12,13})\Z"
)
_CARD_LENGTHS: Final = range(13, 20)
_NO_ISSUER: Final = frozenset("01789")
"""What no card begins with."""
_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes(sum(divmod(2 * digit, 10)) for digit in range(10)))
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ \u00a0-]?[A-Za-z0-9]")
_SEPARATING: Final = " \u00a0-"
_LOCAL_LONGEST: Final = 256
_IBAN_LONGEST: Final = 34
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
        26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def kinds(texts: Iterable[str]) -> frozenset[str]:
    """Return the kinds of personal data found in `texts`, a subset of KINDS.

    All of them when there is more than LIMIT to read.
    """
    found: set[str] = set()
    room = LIMIT
    for text in texts:
        room -= len(text)
        if room < 0:
            return KINDS
        if "email" not in found and "@" in text and _EMAIL.search(text):
            found.add("email")
        if "card" not in found and _has_card(text):
            found.add("card")
        if "iban" not in found and _has_iban(text):
            found.add("iban")
    return frozenset(found)


def redacted(text: str) -> str:
    """Return a text with personal data replaced by its kind: `write to [email]`. Linear in the length of the text.

    A text longer than LIMIT is replaced whole: what nobody looked at is not kept.
    """
    if len(text) > LIMIT:
        return "[too long to be searched]"
    if "@" in text:
        text = _replaced(text, "email", ((_local_part(text, m.start()), m.end()) for m in _EMAIL.finditer(text)))
    runs = (run.span() for run in _DIGIT_RUN.finditer(text) if any(map(_is_card, _numbers(run.group()))))
    return _replaced(_replaced(text, "card", runs), "iban", _ibans(text))


def _replaced(text: str, kind: str, spans: Iterable[tuple[int, int]]) -> str:
    """Put `[kind]` in the place of each span; of spans that overlap, the first counts."""
    kept, done = [], 0
    for start, end in spans:
        if end > done:
            kept.append(text[done : max(start, done)] + f"[{kind}]")
            done = end
    return "".join([*kept, text[done:]])


def _local_part(text: str, start: int) -> int:
    """Where the part of an address before its @ begins, of which the character at `start` is the last."""
    least = max(0, start - _LOCAL_LONGEST)
    while start > least and (text[start - 1].isalnum() or text[start - 1] in "_.+%-"):
        start -= 1
    return start


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Where the account numbers of a text stand."""
    for start in _IBAN_START.finditer(text):
        if end := _iban_end(text, start.start()):
            yield start.start(), end


def _iban_end(text: str, start: int) -> int | None:
    """Where the account number ends that begins here; None when it is none."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
    if length is None:
        return None
    candidate, end = "", start
    for end in range(start, min(len(text), start + 2 * _IBAN_LONGEST)):
        if text[end] not in _SEPARATING:
            candidate += text[end]
            if len(candidate) == length:
                break
    whole = len(candidate) == length and candidate.isascii() and candidate.isalnum()
    return end + 1 if whole and _mod_97(candidate) == 1 else None


def _has_card(text: str) -> bool:
    return any(_is_card(number) for run in _DIGIT_RUN.finditer(text) for number in _numbers(run.group()))


def _numbers(run: str) -> Iterator[str]:
    """Yield every number of a card's length that whole groups of a digit run make.

    A card may be followed by its expiry date.
    """
    groups = _DIGITS.findall(run)
    digits = "".join(groups)
    ends = list(accumulate(map(len, groups)))
    known = set(ends)
    for start in (0, *ends[:-1]):
        if digits[start] not in _NO_ISSUER:
            for length in _CARD_LENGTHS:
                if start + length in known:
                    yield digits[start : start + length]


def _is_card(number: str) -> bool:
    """Whether it starts like an issuer's and passes the Luhn sum: from the right, every second digit counts twice."""
    if not number.isascii():
        number = "".join(str(int(digit)) for digit in number)
    if _CARD.match(number) is None:
        return False
    digits = number.encode().translate(_VALUES)
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def _has_iban(text: str) -> bool:
    return any(True for _ in _ibans(text))


def _mod_97(iban: str) -> int:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97

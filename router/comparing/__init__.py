"""Do two answers to the same request say the same, and which of them is better?

Comparing costs nothing and measures *agreement*: a small model that disagrees may be right. A judge is another
deployment that scores both answers, blind and in both orders, and estimates *quality*. Everything here is a pure
function of values: who is asked, and when, is `router.shadow`'s business.
"""

from router.comparing.answers import Compared, Method, compare, method_for, said
from router.comparing.judging import Answered, Judgement, default_prompt, question, read, reconciled

__all__ = [
    "Answered",
    "Compared",
    "Judgement",
    "Method",
    "compare",
    "default_prompt",
    "method_for",
    "question",
    "read",
    "reconciled",
    "said",
]

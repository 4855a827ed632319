"""Other ways to ask for a chat completion: each reads its requests as one, and tells the answer in its own words.

::

    dialect        what every one of them can do
    completions    OpenAI's `/v1/completions`: a prompt instead of messages

Whatever decides, asks, checks, remembers and counts knows chat completions only. A dialect stands at both ends: what it
cannot say in a chat completion it refuses, with a sentence that tells what to do instead.
"""

from router.dialects.dialect import Dialect, Exchange, Telling

__all__ = ["Dialect", "Exchange", "Telling"]

"""What would another tier have said? Asked after a client was served, where nobody waits for the answer.

::

    looking     is this request looked at, whom is it put to, and what does it stand for? (pure)
    hour        what all of that may cost
    asking      one call beside the traffic, which never takes what traffic needs
    findings    answers side by side: evidence, and what an escalation was good for (pure)
    work        the few that run at once, those that wait, and the end of all of them

A shadow never leaves what the rules require (a request under any requirement is not looked at), never waits for a
place, never changes a breaker, and never spends more than its hour has.
"""

from router.shadow.work import Shadows, Told

__all__ = ["Shadows", "Told"]

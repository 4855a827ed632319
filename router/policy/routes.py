"""What YAML may say about a route: its cascade, its difficulty and the rules that come before both."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from router.policy.aside import Explore, Shadow
from router.policy.block import Block
from router.policy.caching import RouteCache
from router.policy.control import Control, Objectives
from router.policy.prompting import AnyHandoff
from router.policy.values import (
    Duration,
    Flag,
    HeaderName,
    Index,
    Name,
    Pattern,
    Share,
    Text,
    Usd,
    read_below,
    read_difficulty,
    read_flag_or_names,
    wrong,
)

Below = Annotated[
    float | Literal["auto"] | None,
    BeforeValidator(read_below),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]


class Rung(Block):
    """One tier of a cascade and the threshold at which it may start."""

    tier: Text = Field(description="A tier of this policy.", examples=["tuned"])
    below: Below = Field(
        default=None,
        description=(
            "The tier may start while difficulty is below this, or `auto`: as the route's `calibration` says; every "
            "rung but the last has this or `share`."
        ),
        examples=[0.30],
    )
    share: Share | None = Field(
        default=None,
        description="Instead of `below`: about this share of the model's training prompts would start at the tier.",
        examples=[0.6],
    )


class Range(Block):
    """A lower bound, an upper bound, or both; each bound belongs to the range."""

    min: Index | None = Field(default=None, description="The smallest number that matches.", examples=[1])
    max: Index | None = Field(default=None, description="The largest number that matches.", examples=[8000])

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.min is None and self.max is None:
            raise wrong("needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise wrong(f"min is larger than max, so nothing can match: {self.min} > {self.max}")
        return self


class TextPattern(Block):
    """A value compared by regular expression instead of literally."""

    regex: Pattern = Field(description="A regular expression searched in the value.", examples=["^batch-"])


def _text_or_pattern(value: object) -> str:
    """Tell a literal from a pattern; the tags never show in a fault's field path."""
    return "<pattern>" if isinstance(value, Mapping | TextPattern) else "<text>"


TextOrPattern = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[TextPattern, Tag("<pattern>")], Discriminator(_text_or_pattern)
]
FlagOrNames = Annotated[
    bool | tuple[str, ...],
    BeforeValidator(read_flag_or_names),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}),
]
Language = Literal["latin", "greek", "cyrillic", "hebrew", "arabic", "indic", "thai", "cjk", "hangul", "other"]
"""What can be told from letters alone: the script. `signals` finds it."""
Pii = Literal["email", "card", "iban"]


class When(Block):
    """The conditions of a rule; all that are given must hold, and at least one must be given."""

    pii: tuple[Pii, ...] | None = Field(
        default=None, min_length=1, description="Any of these is found in the messages.", examples=[["email", "card"]]
    )
    images: Flag | None = Field(default=None, description="The request has images, or has none.", examples=[True])
    audio: Flag | None = Field(default=None, description="The request has audio, or has none.", examples=[True])
    json_schema: Flag | None = Field(
        default=None, description="The request asks for a JSON schema, or does not.", examples=[True]
    )
    tools: FlagOrNames | None = Field(
        default=None,
        description="The request offers tools, or offers none, or offers one of those named.",
        examples=[["refund", "cancel_order"]],
    )
    tokens: Range | None = Field(
        default=None, description="The estimated number of prompt tokens is in this range.", examples=[{"min": 8000}]
    )
    turns: Range | None = Field(
        default=None, description="The number of user turns is in this range.", examples=[{"max": 1}]
    )
    system: Text | None = Field(
        default=None,
        description="The system prompt is the text of this file, spaces and line ends aside.",
        examples=["prompts/triage-full.md"],
    )
    metadata: Mapping[Text, Text] | None = Field(
        default=None,
        min_length=1,
        description="The request's `metadata` has these values.",
        examples=[{"task": "triage"}],
    )
    headers: Mapping[HeaderName, TextOrPattern] | None = Field(
        default=None,
        min_length=1,
        description="The request's headers have these values, or match these patterns; names in any case.",
        examples=[{"x-team": "billing", "x-job": {"regex": "^batch-"}}],
    )
    key: Mapping[Text, Text] | None = Field(
        default=None, min_length=1, description="The API key has these labels.", examples=[{"team": "billing"}]
    )
    regex: Pattern | None = Field(
        default=None,
        description="A regular expression found in the text of a user message.",
        examples=["(?i)\\binvoice\\b"],
    )
    language: tuple[Language, ...] | None = Field(
        default=None,
        min_length=1,
        description="The text is written in one of these scripts.",
        examples=[["cyrillic", "greek"]],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise wrong("needs at least one condition, such as images: true")
        return self


class Rule(Block):
    """A hard constraint: what certain requests require, where they start, or which route they really take."""

    name: Name = Field(description="The rule's name, shown as the reason of a decision.", examples=["private-data"])
    when: When = Field(description="The requests the rule is for.", examples=[{"pii": ["email", "card", "iban"]}])
    require: Mapping[Text, Text] | None = Field(
        default=None,
        min_length=1,
        description="Labels every deployment that may answer must have; adds up over all rules that match.",
        examples=[{"private": "true"}],
    )
    start: Text | None = Field(
        default=None,
        description="The tier of the cascade to start at; of `start` and `route`, the first match wins.",
        examples=["frontier"],
    )
    route: Text | None = Field(
        default=None,
        description="The route to take instead; of `start` and `route`, the first match wins.",
        examples=["triage"],
    )

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if self.start is not None and self.route is not None:
            raise wrong("has both start and route; keep one")
        if self.require is None and self.start is None and self.route is None:
            raise wrong("does nothing; give it require, start or route")
        return self


Difficulty = Annotated[
    float | str,
    BeforeValidator(read_difficulty),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]


class Sessions(Block):
    """How conversations stay where they are from one turn to the next."""

    idle: Duration = Field(
        default=3600.0, description="A conversation without a request for so long is forgotten.", examples=["1h"]
    )
    pin: Flag = Field(
        default=True,
        description="Whether a conversation never starts below the tier it has come to.",
        examples=[False],
    )
    deescalate: Flag = Field(
        default=False,
        description=(
            "Whether it may all the same, at a user's turn, where one answer there saves more than the prompt cache "
            "is worth that it leaves behind."
        ),
        examples=[True],
    )


class Scope(Block):
    """What a route's difficulty model knows about."""

    novelty: Share = Field(
        description=(
            "What is further from the model's training prompts than this share of them starts at the last tier; 1: "
            "nothing is too far."
        ),
        examples=[0.99],
    )


class Route(Block):
    """What a client may put in `model`: tiers in order, and how to choose among them."""

    cascade: tuple[Rung, ...] = Field(
        min_length=1,
        description="The tiers, cheapest first.",
        examples=[[{"tier": "tuned", "below": 0.30}, {"tier": "frontier"}]],
    )
    difficulty: Difficulty = Field(
        default="builtin",
        description="`builtin`, a model file written by `smallfirst train`, or a constant from 0 to 1 for tests.",
        examples=["models/support.json"],
    )
    calibration: Text | None = Field(
        default=None,
        description="The file that `smallfirst calibrate --out` wrote; it gives `below: auto` its threshold.",
        examples=["models/support-calibration.json"],
    )
    scope: Scope | None = Field(
        default=None,
        description=(
            "What is too novel for the model; omitted: `{novelty: 0.99}` for a trained model, off for `builtin` and "
            "constants."
        ),
        examples=[{"novelty": 0.99}],
    )
    deadline: Duration = Field(
        default=600.0, description="How long a whole request may take, whatever is tried.", examples=["120s"]
    )
    max_cost_usd: Usd | None = Field(
        default=None,
        description="US dollars one request may be expected to cost, escalations and fallbacks included.",
        examples=[0.02],
    )
    handoff: AnyHandoff = Field(
        default=None,
        description="What the next tier is told about an answer that was not good enough; omitted: as its tier says.",
        examples=["draft"],
    )
    keepalive: Duration | None = Field(
        default=None,
        description=(
            "A comment keeps a stream's connection open after so long a silence, and the first one commits status and "
            "headers; omitted: no comments."
        ),
        examples=["10s"],
    )
    sessions: Sessions = Field(
        default=Sessions(),
        description="How conversations stay where they are; docs/sessions.md explains it.",
        examples=[{"idle": "30m", "deescalate": True}],
    )
    rules: tuple[Rule, ...] = Field(
        default=(),
        description="Hard constraints, applied before cache and difficulty.",
        examples=[[{"name": "images", "when": {"images": True}, "start": "frontier"}]],
    )
    cache: RouteCache = Field(
        default=RouteCache(), description="What may be answered from memory.", examples=[{"exact": {"ttl": "1h"}}]
    )
    shadow: Shadow | None = Field(
        default=None,
        description=(
            "What other tiers are asked after the client was served; omitted: nothing, but the first tier after the "
            "last one while `below: auto` has no calibration."
        ),
        examples=[{"rate": {"tuned": 0.2, "frontier": 0.01}, "usd_per_hour": 2}],
    )
    objectives: Objectives | None = Field(
        default=None,
        description="What control moves the first tier's threshold for; omitted: nothing is measured against anything.",
        examples=[{"quality": {"min": 0.95}, "cost_per_request_usd": {"max": 0.002}}],
    )
    control: Control = Field(
        default=Control(), description="How far and how often it may move.", examples=[{"mode": "apply"}]
    )
    explore: Explore = Field(
        default=Explore(),
        description="Requests that start one tier down, to learn how they fare there.",
        examples=[{"rate": 0.02}],
    )

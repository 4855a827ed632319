"""What YAML may say about checks: a list of names, or of one name each with its parameters."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from router.errors import names as listed
from router.policy.block import Block
from router.policy.faults import closest
from router.policy.values import Count, Duration, Flag, Index, LogProbability, Pattern, Share, Text, shown, wrong

DEFAULT_CITED = r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]"


class Plain(Block):
    """A check without parameters."""


class Length(Block):
    """How long an answer may be."""

    min: Index | None = Field(default=None, description="A shorter answer escalates.", examples=[20])
    max: Count | None = Field(default=None, description="A longer answer escalates.", examples=[4000])
    unit: Literal["characters", "words"] = Field(
        default="characters", description="What is counted: `characters` or `words`.", examples=["words"]
    )

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.min is None and self.max is None:
            raise wrong("needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise wrong(f"min is larger than max, so every answer would escalate: {self.min} > {self.max}")
        return self


class Texts(Block):
    """Texts that are looked for in an answer."""

    texts: tuple[Text, ...] = Field(
        min_length=1, description="The texts, each looked for as it is written.", examples=[["Kind regards"]]
    )
    ignore_case: Flag = Field(
        default=False, description="Whether capital and small letters are the same.", examples=[True]
    )


class Regex(Block):
    """A regular expression."""

    pattern: Pattern = Field(
        description="A regular expression that must be found in the answer.", examples=["(?i)\\bticket [A-Z]+-[0-9]+"]
    )


class Citations(Block):
    """What a citation looks like, and where its sources are."""

    cited: Pattern = Field(
        default=DEFAULT_CITED,
        description=(
            "A regular expression for a citation; its first group that matched is the id, or several with commas."
        ),
        examples=["\\[doc:([a-z0-9-]+)\\]"],
    )
    sources: Pattern = Field(
        default=DEFAULT_CITED,
        description="A regular expression for the ids of sources, looked for in all messages but the assistant's.",
        examples=['<source id="([^"]+)">'],
    )
    required: Flag = Field(default=False, description="Whether an answer must cite something.", examples=[True])


class Repetition(Block):
    """How long a model may go round in circles."""

    characters: Count = Field(
        default=240, description="A loop shorter than this many characters in all is no loop.", examples=[400]
    )
    times: Count = Field(
        default=4,
        description="How often a block must stand there in a row to be a loop, from 2.",
        examples=[6],
    )

    @model_validator(mode="after")
    def _repeats(self) -> Self:
        if self.times == 1:
            raise wrong("times is 1, and everything stands there once; 2 or more")
        return self


class Logprob(Block):
    """How unlikely tokens may be, as natural logarithms."""

    mean: LogProbability | None = Field(
        default=None, description="The mean over all tokens must not be below this.", examples=[-0.8]
    )
    min: LogProbability | None = Field(default=None, description="No token may be below this.", examples=[-9.0])
    low: LogProbability = Field(default=-2.3, description="A token below this counts as low.", examples=[-3.0])
    share: Share | None = Field(
        default=None, description="No more than this share of the tokens may be low.", examples=[0.1]
    )

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.mean is None and self.min is None and self.share is None:
            raise wrong("needs mean, min or share")
        return self


class Judge(Block):
    """Who scores an answer, how often, and how good it must be."""

    deployment: Text = Field(
        description="The deployment that is asked; the labels that rules require hold for it too.",
        examples=["frontier-a"],
    )
    rate: Share = Field(
        default=1.0,
        description="The share of answers that are scored, those that could still escalate.",
        examples=[0.1],
    )
    min: Share = Field(default=0.5, description="An answer with a lower score escalates.", examples=[0.7])
    timeout: Duration = Field(
        default=10.0, description="How long a score is waited for; without one the answer passes.", examples=["3s"]
    )
    prompt: Text | None = Field(
        default=None,
        description="The file with the words it is asked in; omitted: the shipped ones, which docs/checks.md shows.",
        examples=["prompts/judge.md"],
    )


_PLAIN = "What it looks at is in the request, so it has no parameters."


class Check(Block):
    """One check of a tier: exactly one name, with its parameters where it has some."""

    complete: Plain | None = Field(default=None, description=_PLAIN, examples=[{}])
    refusal: Plain | None = Field(default=None, description=_PLAIN, examples=[{}])
    json_object: Plain | None = Field(default=None, description=_PLAIN, examples=[{}])
    json_schema: Plain | None = Field(default=None, description=_PLAIN, examples=[{}])
    tool_calls: Plain | None = Field(default=None, description=_PLAIN, examples=[{}])
    length: Length | None = Field(default=None, description="How long an answer may be.", examples=[{"min": 20}])
    must_contain: Texts | None = Field(
        default=None, description="What every answer must say.", examples=[{"texts": ["Kind regards"]}]
    )
    must_not_contain: Texts | None = Field(
        default=None, description="What no answer may say.", examples=[{"texts": ["guarantee"], "ignore_case": True}]
    )
    regex: Regex | None = Field(
        default=None, description="What every answer must look like.", examples=[{"pattern": "^#"}]
    )
    citations: Citations | None = Field(
        default=None, description="Which sources an answer may cite.", examples=[{"required": True}]
    )
    repetition: Repetition | None = Field(
        default=None, description="When a model goes round in circles.", examples=[{"times": 6}]
    )
    logprob: Logprob | None = Field(
        default=None,
        description="How unlikely its tokens may be; the upstream is asked for them.",
        examples=[{"mean": -0.8}],
    )

    judge: Judge | None = Field(
        default=None,
        description="What another deployment thinks of it.",
        examples=[{"deployment": "frontier-a", "min": 0.7}],
    )

    @property
    def said(self) -> tuple[str, Block]:
        """The check's name and its parameters."""
        (name,) = self.model_fields_set
        parameters: Block = getattr(self, name)
        return name, parameters


def read_check(value: object) -> object:
    """Read a name, or one name with its parameters, as a block of one field."""
    if isinstance(value, Check):
        return value
    if isinstance(value, Mapping) and len(value) > 1:
        raise wrong(f"must be one check; got {listed(map(str, value))}: each is an item of its own")
    name, parameters = next(iter(value.items()), (None, None)) if isinstance(value, Mapping) else (value, None)
    if not isinstance(name, str):
        raise wrong(f"must be the name of a check, such as refusal, or one with parameters; got {shown(value)}")
    if name not in Check.model_fields:
        known = list(Check.model_fields)
        meant = closest(name, known)
        raise wrong(
            f"no check named {name!r}; " + (f"did you mean '{meant}'?" if meant else f"there are {listed(known)}")
        )
    return {name: {} if parameters is None else parameters}


class _NameOrBlock:
    """Tells editors that a check may be its name alone."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return what an item of the list may be."""
        return {"anyOf": [{"enum": list(Check.model_fields)}, handler(core)]}


CheckItem = Annotated[Check, BeforeValidator(read_check), _NameOrBlock]
DEFAULT_CHECKS: Any = ("complete",)

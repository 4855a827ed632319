"""What YAML may say about prompts: what a tier adds to a request, what a tune was trained with, what is handed over."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from router.policy.block import Block
from router.policy.values import Text, shown, wrong

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def is_file(text: str) -> bool:
    """Tell the name of a file from a text that is written out: a text has white space in it."""
    return len(text.split()) == 1 and text == text.strip()


class Prompt(Block):
    """What a request gets in addition; the client's own words stay."""

    system: Text | None = Field(
        default=None,
        description=(
            "The file with the system prompt for clients that send none; with `replaces`, for those that send that one."
        ),
        examples=["prompts/support-lean-v3.md"],
    )
    replaces: Text | None = Field(
        default=None,
        description="The file with the system prompt that `system` is put in place of, white space apart; no other is.",
        examples=["prompts/support-full.md"],
    )
    prepend: Text | None = Field(
        default=None,
        description="A file whose text goes before the system prompt, or the text itself if it has a space in it.",
        examples=["You answer for Example & Co."],
    )
    append: Text | None = Field(
        default=None,
        description="A file whose text goes behind the system prompt, or the text itself if it has a space in it.",
        examples=["prompts/customer.md"],
    )
    examples: Text | None = Field(
        default=None,
        description="A file of JSON Lines with example turns that go between the system prompt and the conversation.",
        examples=["prompts/support-examples.jsonl"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.replaces is not None and self.system is None:
            raise wrong("has replaces without system; say what goes in its place")
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise wrong("adds nothing; give it system, prepend, append or examples")
        return self


def read_date(value: object) -> object:
    """Read a day, such as 2027-05-01."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(f"must be a day such as 2027-05-01; got {shown(value)}")


Day = Annotated[dt.date, BeforeValidator(read_date), WithJsonSchema({"type": "string", "format": "date"})]


class Tune(Block):
    """A fine-tune that a deployment serves: what it is, and the prompt it was trained with."""

    id: Text = Field(description="The tune's own name.", examples=["v3"])
    base: Text | None = Field(default=None, description="The model it was made from.", examples=["llama-3.1-8b"])
    data: Text | None = Field(
        default=None, description="The hash of the data it was trained on.", examples=["sha256:9f86d081884c7d65"]
    )
    refresh_due: Day | None = Field(
        default=None,
        description="The day to train it again by; once it has passed, `check`, the start and an alert say so.",
        examples=[dt.date(2027, 5, 1)],
    )
    prompt: Prompt | None = Field(
        default=None,
        description="The prompt it was trained with, in place of its tier's.",
        examples=[{"system": "prompts/support-lean-v3.md", "replaces": "prompts/support-full.md"}],
    )


class Handoff(Block):
    """What the next tier is told about an answer that was not good enough."""

    give: Literal["draft", "verdict", "none"] = Field(
        description="`draft`: the answer and what was wrong with it; `verdict`: what was wrong; `none`: nothing.",
        examples=["draft"],
    )
    template: Text | None = Field(
        default=None,
        description="The file with the words it is told in; omitted: the shipped ones, which docs/prompts.md shows.",
        examples=["prompts/handoff.md"],
    )


def read_handoff(value: object) -> object:
    """Read one word, or the word with a template."""
    if value is None or isinstance(value, Mapping | Handoff):
        return value
    if value in ("draft", "verdict", "none"):
        return {"give": value}
    raise wrong(f"must be 'draft', 'verdict' or 'none'; got {shown(value)}")


AnyHandoff = Annotated[Handoff | None, BeforeValidator(read_handoff)]
"""`handoff: draft`, or `handoff: {give: draft, template: FILE}`."""

"""What YAML may say about retrieval: where a tier's requests get their sources from."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from router.policy.block import Block
from router.policy.values import Count, Duration, Flag, Secret, Text, read_base_url, wrong

_MOST = 50


def read_top_k(value: object) -> object:
    """Keep a number of chunks within what a prompt can hold."""
    if isinstance(value, int) and not isinstance(value, bool) and value > _MOST:
        raise wrong(f"at most {_MOST} chunks; got {value}")
    return value


class Context(Block):
    """The retriever that a tier's requests are asked to first, and what becomes of its chunks."""

    url: Annotated[str, BeforeValidator(read_base_url), WithJsonSchema({"type": "string"})] = Field(
        description="Where the question is posted; the whole address, and redirects are not followed.",
        examples=["http://127.0.0.1:8090/retrieve"],
    )
    api_key: Secret = Field(
        default=None,
        description="Sent as a Bearer token; never shown, logged or hashed.",
        examples=["${RETRIEVER_KEY:-}"],
    )
    top_k: Annotated[Count, BeforeValidator(read_top_k)] = Field(
        default=4, description="How many chunks are asked for, and taken at most; up to 50.", examples=[6]
    )
    messages: Flag = Field(
        default=False,
        description="Whether the retriever gets the conversation too, rather than the question alone.",
        examples=[True],
    )
    timeout: Duration = Field(default=2.0, description="How long chunks are waited for.", examples=["500ms"])
    template: Text | None = Field(
        default=None,
        description="The file with the words around the chunks; omitted: those docs/retrieval.md shows.",
        examples=["prompts/sources.md"],
    )
    on_error: Literal["skip", "escalate", "fail"] = Field(
        default="skip",
        description="Without chunks: `skip` asks without them, `escalate` asks the next tier, `fail` gives an error.",
        examples=["escalate"],
    )

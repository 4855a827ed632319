"""What YAML may say: the whole policy as frozen values whose attributes carry the YAML's own names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema

from router.policy.aside import Shadow
from router.policy.block import Block
from router.policy.caching import Cache, Decisions, Exact, RouteCache, switch
from router.policy.checks import DEFAULT_CHECKS, Check, CheckItem
from router.policy.control import Control, Grafana, Objectives, Prometheus
from router.policy.deployments import Breaker, Deployment, HourlyPrice, Price, Supports, Timeout
from router.policy.limits import Limit
from router.policy.prompting import AnyHandoff, Handoff, Prompt, Tune
from router.policy.retrieval import Context
from router.policy.routes import Range, Route, Rule, Rung, Scope, Sessions, TextPattern, When
from router.policy.source import Source, fingerprint
from router.policy.values import Count, Duration, JsonObject, Name, Size, Text, read_hold

Hold = Annotated[
    int | Literal["all"] | None,
    BeforeValidator(read_hold),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"const": "all"}]}),
]


class Tier(Block):
    """A rung: its checks and its deployments."""

    deployments: tuple[Text, ...] = Field(
        min_length=1,
        description="The deployments that serve this tier; one that fails falls back to the next.",
        examples=[["tuned-a", "tuned-b"]],
    )
    balance: Literal["least_busy", "affinity"] = Field(
        default="least_busy",
        description=(
            "How requests are spread over the deployments: `affinity` keeps a conversation at the same one, whose "
            "prompt cache is warm."
        ),
        examples=["affinity"],
    )
    checks: tuple[CheckItem, ...] = Field(
        default=DEFAULT_CHECKS,
        validate_default=True,
        description="What an answer must pass before it is sent: names, or one name each with its parameters.",
        examples=[["complete", "refusal", {"length": {"min": 20}}]],
    )
    hold: Hold = Field(
        default=None,
        description=(
            "Chunks of a stream held back for checks, or `all`; omitted means `all` for requests with tools or a "
            "response format on a tier that can still escalate, otherwise 0."
        ),
        examples=["all"],
    )
    params: JsonObject = Field(
        default={},
        description="Request fields this tier adds where the client gave none; `response_format` may be a JSON file.",
        examples=[{"reasoning_effort": "low", "response_format": "triage.json"}],
    )
    prompt: Prompt | None = Field(
        default=None,
        description="What this tier's requests get in addition; a deployment whose tune has a prompt gets that one.",
        examples=[{"system": "prompts/support-full.md", "examples": "prompts/support-examples.jsonl"}],
    )
    handoff: AnyHandoff = Field(
        default=None,
        description="What the next tier is told about this tier's answer if it was not good enough; omitted: nothing.",
        examples=["draft"],
    )
    context: Context | None = Field(
        default=None,
        description="Where this tier's requests get sources from that they are answered with; omitted: nowhere.",
        examples=[{"url": "http://127.0.0.1:8090/retrieve", "top_k": 4}],
    )


class State(Block):
    """What is remembered of requests and what was learned from them."""

    path: Text = Field(
        default=".smallfirst",
        description="The folder for what was learned; made when missing.",
        examples=[".smallfirst"],
    )
    decisions: Annotated[Decisions | None, switch("{ttl: 24h}")] = Field(
        default=Decisions(),
        description="Whether `GET /v1/decisions/{id}` knows requests: `true`, `false`, or for how long.",
        examples=[{"ttl": "24h"}],
    )


class Records(Block):
    """What is kept of every request; without this block nothing is."""

    path: Text = Field(
        default=".smallfirst/records", description="The folder for records; made when missing.", examples=["records"]
    )
    content: Literal["none", "redacted", "full"] = Field(
        default="none",
        description=(
            "What is kept of prompts and answers: `none`, `redacted` (without e-mail addresses, card numbers and "
            "IBANs) or `full`."
        ),
        examples=["redacted"],
    )
    retention: Duration = Field(
        default=30 * 86400.0, description="How long records are kept, in whole days.", examples=["90d"]
    )
    segment: Size = Field(
        default=64 * 2**20, description="The size at which the next file is begun.", examples=["16MiB"]
    )
    flush: Duration = Field(
        default=1.0, description="How often records are made sure to be on the disk.", examples=["5s"]
    )


class Auth(Block):
    """Who may ask."""

    keys: Text = Field(
        description="The file with the hashes of the clients' keys, written by `smallfirst keys add`.",
        examples=["keys.yaml"],
    )


class Server(Block):
    """Limits of the server itself."""

    max_body: Size = Field(
        default=32 * 2**20, description="The largest request body; a larger one gets 413.", examples=["64MiB"]
    )
    max_inflight: Count = Field(
        default=5000,
        description="Requests that one worker answers at a time; one more gets 503 and `retry-after`.",
        examples=[500],
    )


class Policy(Block):
    """Everything an operator tunes; `router.policy.load` makes it and checks that its parts fit together."""

    version: Literal[1] = Field(
        description="The version of this format, 1; every file of a folder says it.", examples=[1]
    )
    deployments: Mapping[Name, Deployment] = Field(
        min_length=1, description="The models, their addresses and prices, by name.", examples=["see below"]
    )
    tiers: Mapping[Name, Tier] = Field(
        min_length=1, description="The rungs, by name; by convention `tuned` and `frontier`.", examples=["see below"]
    )
    routes: Mapping[Name, Route] = Field(
        min_length=1, description="What clients put in `model`, by name.", examples=["see below"]
    )
    cache: Cache = Field(default=Cache(), description="Where shared state is kept.", examples=[{"url": "memory://"}])
    state: State = Field(
        default=State(),
        description="What is remembered, and where it survives restarts.",
        examples=[{"path": ".smallfirst"}],
    )
    records: Records | None = Field(
        default=None,
        description="What is kept of every request; omitted: nothing.",
        examples=[{"path": ".smallfirst/records", "content": "none"}],
    )
    auth: Auth | None = Field(
        default=None,
        description="Who may ask; omitted, the server binds to loopback only.",
        examples=[{"keys": "keys.yaml"}],
    )
    limits: Mapping[Name, Limit] = Field(
        default={},
        exclude=True,
        description="How much keys may ask for and spend, by a name of yours; [limits.md](limits.md) has the rules.",
        examples=[{"everybody": {"requests_per_minute": 600, "usd_per_day": 20}}],
    )
    prometheus: Prometheus | None = Field(
        default=None,
        description="Where control reads what all replicas measured; omitted: what this process counted itself.",
        examples=[{"url": "http://127.0.0.1:9090"}],
    )
    grafana: Grafana | None = Field(
        default=None,
        description="Where moves of thresholds are written on dashboards; omitted: nowhere.",
        examples=[{"url": "http://127.0.0.1:3000", "token": "${GRAFANA_TOKEN}"}],
    )
    server: Server = Field(
        default=Server(), description="Limits of the server itself.", examples=[{"max_body": "64MiB"}]
    )

    _source: Source = PrivateAttr(default_factory=Source)

    @property
    def files(self) -> frozenset[Path]:
        """Every file this policy was read from or names, for whoever watches for changes."""
        return self._source.files

    @property
    def version_hash(self) -> str:
        """Twelve hex digits that change with the policy and the files it names, not with keys, limits and secrets."""
        return self._source.version_hash

    def fingerprint(self, said: object) -> str:
        """Return twelve hex digits that change with what is said, as JSON has it, and with the files that it names."""
        return fingerprint(said, self._source.contents)

    def path(self, name: str) -> Path:
        """Return where a file or folder that the policy names is, relative to the policy itself."""
        return self._source.folder / name

    def read_bytes(self, name: str) -> bytes:
        """Return the content a named file had when the policy was loaded; KeyError when the policy does not name it."""
        return self._source.contents[name]

    def read_text(self, name: str) -> str:
        """Return the text a named file had when the policy was loaded; KeyError when the policy does not name it."""
        return self.read_bytes(name).decode("utf-8-sig")

    def where(self, *path: str | int) -> tuple[str, int]:
        """Return file and line of a place such as `where("routes", "auto")`; ("", 0) when unknown."""
        return self._source.where(path)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a policy file, for editors that complete and check YAML while one types."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Policy.model_json_schema()}
    schema["title"] = "smallfirst policy"
    schema["required"] = ["version"]  # a file of a folder need not say everything
    return schema


__all__ = [
    "Auth",
    "Breaker",
    "Cache",
    "Check",
    "Context",
    "Control",
    "Decisions",
    "Deployment",
    "Exact",
    "Grafana",
    "Handoff",
    "HourlyPrice",
    "Limit",
    "Objectives",
    "Policy",
    "Price",
    "Prometheus",
    "Prompt",
    "Range",
    "Records",
    "Route",
    "RouteCache",
    "Rule",
    "Rung",
    "Scope",
    "Server",
    "Sessions",
    "Shadow",
    "State",
    "Supports",
    "TextPattern",
    "Tier",
    "Timeout",
    "Tune",
    "When",
    "json_schema",
]

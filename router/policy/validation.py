"""What pydantic finds wrong with the values, in our own sentences and with suggestions from the schema."""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from router.policy import shape
from router.policy.faults import MISSING, Complaint, closest, did_you_mean
from router.policy.schema import Policy
from router.policy.source import FieldPath
from router.policy.values import shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# What people from neighbouring tools write, and what it is called here.
ALSO_KNOWN_AS = {
    "api_base": "base_url",
    "endpoint": "base_url",
    "url": "base_url",
    "model_name": "model",
    "key": "api_key",
    "max_concurrency": "concurrency",
    "max_parallel_requests": "concurrency",
    "threshold": "below",
    "level": "tier",
    "models": "deployments",
    "targets": "deployments",
    "endpoints": "deployments",
    "tags": "labels",
    "if": "when",
    "match": "when",
    "timeout_seconds": "total",
    "read": "idle",
    "rpm": "requests_per_minute",
    "rpm_limit": "requests_per_minute",
    "tpm": "tokens_per_minute",
    "tpm_limit": "tokens_per_minute",
}


def validate(tree: object) -> tuple[Policy | None, list[Complaint]]:
    """Return the policy, or None and everything that is wrong with it."""
    try:
        return Policy.model_validate(tree), []
    except ValidationError as error:
        return None, [_complaint(each) for each in error.errors(include_url=False) if not _follows(each)]


def _follows(detail: "ErrorDetails") -> bool:
    """Return whether a list is called too short only because its entries were wrong."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _complaint(detail: "ErrorDetails") -> Complaint:
    path, value = _path(detail["loc"]), detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(path)
        case "missing":
            message, suggestion = MISSING, _example(path)
        case "sentence":
            message, suggestion = str(detail["ctx"]["sentence"]), ""
        case "literal_error":
            message, suggestion = _literal(value, str(detail["ctx"]["expected"]))
        case "too_short":
            message, suggestion = "needs at least one entry", _example(path)
        case "tuple_type":
            message, suggestion = f"must be a list; got {shown(value)}", _example(path)
        case _:
            message, suggestion = f"must be a mapping of names to values; got {shown(value)}", _example(path)
    return Complaint(path, message, suggestion)


def _path(location: tuple[int | str, ...]) -> FieldPath:
    """Drop what pydantic adds to a location: which shape of a value it tried, and that a name was meant."""
    return tuple(part for part in location if part not in {"<tokens>", "<hourly>", "<text>", "<pattern>", "[key]"})


def _literal(value: object, expected: str) -> tuple[str, str]:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    written = {"False": "false"}.get(expected, expected)
    return f"must be {written}; got {shown(value)}", did_you_mean(value, words) if isinstance(value, str) else ""


def _example(path: FieldPath) -> str:
    """Return `such as hold: all` where the schema has an example, for an entry of a list the first of its example."""
    inside = bool(path) and isinstance(path[-1], int)
    info = shape.fields().get(shape.pattern_of(path[:-1] if inside else path))
    example = info.examples[0] if info and info.examples else None
    if inside and isinstance(example, list):
        return f"such as {flow(example[0])}"
    return f"such as {path[-1]}: {flow(example)}" if example not in (None, "see below") else ""


def flow(value: object) -> str:
    """Write an example as YAML on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case dict():
            return "{" + ", ".join(f"{name}: {flow(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str() if (
            not value or value in {"true", "false"} or set(value) & set("\"\\#{}[],&*!|>'%@`") or ": " in value
        ):
            return f"'{value}'" if "'" not in value else f'"{value}"'
        case _:
            return str(value)


def _unknown(path: FieldPath) -> Complaint:
    """Suggest the field that was probably meant, or the place where this one belongs."""
    name, pattern = str(path[-1]), shape.pattern_of(path[:-1])
    here = shape.names_at(pattern)
    if name in here:
        return Complaint(path, f"belongs to another kind of {path[-2]}", "keep one kind")
    also = ALSO_KNOWN_AS.get(name, "")
    if meant := also if also in here else closest(name, here):
        return Complaint(path, "unknown field", f"did you mean '{meant}'?", meant)
    if places := shape.elsewhere(name):
        return Complaint(path, "unknown field", "it belongs to " + " or ".join(places[:2]))
    return Complaint(path, "unknown field", "known here: " + ", ".join(here))

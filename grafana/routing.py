"""The second page: what is thought difficult, where the line is, what was not good enough, and how good it is."""

from grafana.panels import ORANGE, RED, Annotation, Dashboard, Panel, Query, Row
from grafana.promql import QUALITY_SPAN, ROUTE, increase, latest, quantile, rate, ratio

_REQUESTS = "router_requests_total"
_ESCALATIONS = "router_escalations_total"
MEASURED = f'{ROUTE}, measure="quality"'
ALIKE = f'{ROUTE}, measure="agreement"'

# Only tiers with a threshold can be started low: the last one has none.
_LOW = 'label_replace(max by (route, tier) (router_threshold), "start", "$1", "tier", "(.+)")'
STARTED_LOW = f"sum by (route) (rate({_REQUESTS}{{{ROUTE}}}[$__rate_interval]) and on (route, start) {_LOW})"

MOVES = Annotation(
    name="Thresholds that moved",
    expr=f"sum by (route, reason) (round(increase(router_threshold_changes_total{{{ROUTE}}}[1m]))) > 0",
    title="{{route}}: {{reason}}",
    text="The threshold of {{route}} moved: {{reason}}. `smallfirst thresholds --route {{route}}` has the evidence.",
)
POLICIES = Annotation(
    name="Policies that came into force",
    expr="max by (version) (router_policy) unless max by (version) (router_policy offset 1m)",
    title="policy {{version}}",
    text="A policy came into force.",
    colour="blue",
)


def quality(measure: str, *by: str, over: str = QUALITY_SPAN) -> str:
    """Give the weighted mean of what was judged."""
    return ratio(_evidence("weighted", measure, by, over), _evidence("weight", measure, by, over))


def quality_bound(sign: str, measure: str, *by: str, over: str = QUALITY_SPAN) -> str:
    """Give an end of its 95 % interval: 1.96 standard errors of a weighted mean, inside 0 and 1."""
    weight = _evidence("weight", measure, by, over)
    mean = quality(measure, *by, over=over)
    spread = f"sqrt(clamp_min({_evidence('weighted_sq', measure, by, over)} / ({weight} > 0) - ({mean}) ^ 2, 0)"
    return f"clamp({mean} {sign} 1.96 * {spread} / ({weight} > 0)), 0, 1)"


def _evidence(part: str, measure: str, by: tuple[str, ...], over: str) -> str:
    return increase(f"router_quality_{part}_total", *by, where=measure, over=over)


_DIFFICULTY = Row("Difficulty and thresholds", (
    Panel(
        title="Difficulty", kind="heatmap",
        about="What is expected to be lost if the first tier answers: 0 nothing, 1 everything.",
        queries=[Query(rate("router_difficulty_bucket", "le"), "{{le}}")],
    ),
    Panel(
        title="Difficulty, quantiles", ceiling=1,
        about="A distribution that moves is traffic that changes, or a model that no longer fits.",
        queries=[Query(quantile(q, "router_difficulty"), f"p{round(100 * q)}") for q in (0.1, 0.5, 0.9)],
    ),
    Panel(
        title="Thresholds", ceiling=1,
        about="Requests below it may start at the tier. Purple marks say when and why one moved.",
        queries=[Query(latest("router_threshold", "route", "tier"), "{{route}} {{tier}}")],
    ),
    Panel(
        title="Where requests start", unit="reqps", stacked=True,
        about="What the thresholds, the rules and the clients made of it.",
        queries=[Query(rate(_REQUESTS, "start"), "{{start}}")],
    ),
    Panel(
        title="Requests by band", stacked=True, unit="reqps",
        about="The tenth of the training prompts' difficulties that a request fell into, 0 to 9. Even, when traffic is "
        "like the training data.",
        queries=[Query(rate(_REQUESTS, "band"), "{{band}}")],
    ),
    Panel(
        title="Unlike the training data", unit="percentunit", steps={0.1: ORANGE, 0.3: RED},
        about="Requests that started at the last tier because the model has seen nothing like them. Many: train anew.",
        queries=[Query(ratio(rate("router_novel_total", "route"), rate(_REQUESTS, "route")), "{{route}}")],
    ),
))  # fmt: skip

_CHECKS = Row("Answers that were not good enough", (
    Panel(
        title="Escalations", unit="percentunit",
        about="Of the requests that started low, the share whose answer was not good enough, so that the next tier was "
        "asked. Each is paid twice.",
        queries=[Query(ratio(rate(_ESCALATIONS, "route"), STARTED_LOW), "{{route}}")],
    ),
    Panel(
        title="Escalations, by reason", unit="reqps", stacked=True,
        about="Which check did not accept it.",
        queries=[Query(rate(_ESCALATIONS, "from_tier", "reason"), "{{from_tier}} {{reason}}")],
    ),
    Panel(
        title="Did escalating help?", stacked=True,
        about="Over the time shown: rescued: the next tier's answer was better; same: it cost and changed nothing; "
        "worse. From shadows and feedback.",
        queries=[Query(increase("router_escalation_results_total", "result"), "{{result}}", instant=True)],
        kind="bargauge",
    ),
    Panel(
        title="Sent all the same", unit="reqps", stacked=True,
        about="Answers that a check would not have accepted, but that were committed already, or the last tier's.",
        queries=[Query(rate("router_late_verdicts_total", "tier", "reason"), "{{tier}} {{reason}}")],
    ),
    Panel(
        title="Escalations, by band", unit="reqps", stacked=True,
        about="A good difficulty model has its escalations in the high bands.",
        queries=[Query(rate(_ESCALATIONS, "band"), "{{band}}")],
    ),
))  # fmt: skip

_QUALITY = Row("Quality", (
    Panel(
        title="Quality, with its 95 % interval", unit="percentunit", ceiling=1, width=12,
        about="Of graders, feedback and audited judges, over seven days, weighted by how likely each answer was to be "
        "looked at. A wide interval is little evidence.",
        queries=[
            Query(quality(MEASURED, "route", "start"), "{{route}} {{start}}"),
            Query(quality_bound("-", MEASURED, "route", "start"), "{{route}} {{start}} at least"),
            Query(quality_bound("+", MEASURED, "route", "start"), "{{route}} {{start}} at most"),
        ],
    ),
    Panel(
        title="Quality, by band", kind="bargauge", unit="percentunit", width=6, ceiling=1,
        about="Over seven days. For the small tier it should fall from band 0 to band 9: that is difficulty.",
        queries=[Query(quality(MEASURED, "start", "band"), "{{start}} {{band}}", instant=True)],
    ),
    Panel(
        title="Agreement with the last tier", unit="percentunit", ceiling=1, width=6,
        about="Not quality: a small model may be right where the large one is wrong. Disagreement bounds what is lost.",
        queries=[Query(quality(ALIKE, "route", "start"), "{{route}} {{start}}")],
    ),
    Panel(
        title="Evidence, seven days", width=12,
        about="How many requests the judged ones stand for. None: nothing moves toward the small tier.",
        queries=[
            Query(
                increase("router_quality_weight_total", "route", "start", "measure", over=QUALITY_SPAN),
                "{{route}} {{start}} {{measure}}",
            )
        ],
    ),
    Panel(
        title="Drift", width=12,
        about="How far traffic's signals, and the model's calibration, are from the training data.",
        queries=[Query(latest("router_drift", "route", "kind"), "{{route}} {{kind}}")],
    ),
))  # fmt: skip

ROUTING = Dashboard(
    uid="smallfirst-routing",
    title="smallfirst: routing and thresholds",
    about="What is thought difficult, where the line is, what was not good enough, and how good answers are.",
    rows=(_DIFFICULTY, _CHECKS, _QUALITY),
    annotations=(MOVES, POLICIES),
)

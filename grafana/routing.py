"""The second page: what is thought difficult, where the line is, what was not good enough, and how good it is."""

from grafana.panels import ORANGE, RED, Annotation, Dashboard, Panel, Query, Row
from grafana.promql import ROUTE, SPAN, increase, latest, quantile, rate, ratio

_REQUESTS = "router_requests_total"
_AGREED = "router_judge_agreement_total"
_ESCALATIONS = "router_escalations_total"

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


def mean(of: str, *by: str, over: str = SPAN) -> str:
    """Give the weighted mean of what was judged: of `quality`, `loss`, `gain` or `disagreement`."""
    return ratio(_sum("weighted", of, by, over), _sum("weight", of, by, over))


def bound(sign: str, of: str, *by: str, over: str = SPAN) -> str:
    """Give an end of its 95 % interval, 1.96 standard errors of a weighted mean away, inside 0 and 1."""
    weight, squares = _sum("weight", of, by, over), _sum("weight_sq", of, by, over)
    variance = f"clamp_min({_sum('weighted_sq', of, by, over)} / ({squares} > 0) - ({mean(of, *by, over=over)}) ^ 2, 0)"
    error = f"sqrt({variance} * {squares} / ({weight} > 0) ^ 2)"
    return f"clamp({mean(of, *by, over=over)} {sign} 1.96 * {error}, 0, 1)"


def _sum(part: str, of: str, by: tuple[str, ...], over: str) -> str:
    return increase(f"router_quality_{part}_total", *by, where=f'{ROUTE}, measure="{of}"', over=over)


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
        about="How good each tier's own answers were, over seven days: feedback, graders and audited judges, weighted "
        "by how likely each answer was to be looked at. A wide interval is little evidence.",
        queries=[
            Query(mean("quality", "route", "start"), "{{route}} {{start}}"),
            Query(bound("-", "quality", "route", "start"), "{{route}} {{start}} at least"),
            Query(bound("+", "quality", "route", "start"), "{{route}} {{start}} at most"),
        ],
    ),
    Panel(
        title="Lost against the last tier", unit="percentunit", width=12,
        about="By how much the last tier's answer to the same request was better, less by how much it was worse; "
        "the mean over seven days.",
        queries=[
            Query(f"{mean('loss', 'route', 'start')} - {mean('gain', 'route', 'start')}", "{{route}} {{start}}"),
        ],
    ),
    Panel(
        title="Quality, by band", kind="bargauge", unit="percentunit", width=6, ceiling=1,
        about="Over seven days. For the small tier it should fall from band 0 to band 9: that is difficulty.",
        queries=[Query(mean("quality", "start", "band"), "{{start}} {{band}}", instant=True)],
    ),
    Panel(
        title="Agreement with the last tier", unit="percentunit", ceiling=1, width=6,
        about="Not quality: a small model may be right where the large one is wrong. Disagreement bounds what is lost.",
        queries=[Query(f"1 - {mean('disagreement', 'route', 'start')}", "{{route}} {{start}}")],
    ),
    Panel(
        title="Do judges agree with people?", kind="bargauge", width=6,
        about="Answers of which a judge and people have both spoken, over the time shown. Trust the judge accordingly.",
        queries=[Query(increase(_AGREED, "route", "result"), "{{route}} {{result}}", instant=True)],
    ),
    Panel(
        title="Calls beside the traffic", unit="reqps", stacked=True, width=12,
        about="Shadows and judges: answered, or why not (budget, busy, queue, price, a failure). Many without an "
        "answer: evidence comes slower than it could.",
        queries=[Query(rate("router_shadows_total", "kind", "result"), "{{kind}} {{result}}")],
    ),
    Panel(
        title="Judges in front of clients", unit="reqps", stacked=True, width=12,
        about="What a tier's `judge` check said of answers before they were sent. Failed ones let the answer pass, or "
        "not, as the policy says.",
        queries=[Query(rate("router_judgements_total", "tier", "result"), "{{tier}} {{result}}")],
    ),
    Panel(
        title="Retrieval", unit="reqps", width=24,
        about="What became of asking tiers' retrievers for sources: ok, empty (no chunks), timeout or failed.",
        queries=[Query(rate("router_retrievals_total", "tier", "result"), "{{tier}} {{result}}")],
    ),
    Panel(
        title="Feedback", unit="reqps", width=6,
        about="What people and programs said about answers; outdated: the route is not what it was when it answered.",
        queries=[Query(rate("router_feedback_total", "source", "result"), "{{source}} {{result}}")],
    ),
    Panel(
        title="Calibration error and drift", width=24,
        about="calibration: how much more is lost than the model expects (mean); difficulty: how far traffic's bands "
        "are from the training prompts' (stability index, a shift above 0.25); novelty: the share unlike all of them.",
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

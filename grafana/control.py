"""The fourth page: what was promised, what was measured, on what evidence, and why the threshold moved or did not."""

from grafana.panels import RED, Dashboard, Panel, Query, Row
from grafana.promql import ROUTE, SPAN, increase, latest, rate, ratio
from grafana.routing import MOVES, POLICIES, bound, mean

_BANDS = "router_band_seconds"
_WINDOWS = "router_control_windows_total"
_WEIGHT = "router_quality_weight_total"
_JUDGED = f'{ROUTE}, measure="quality"'
_CHANGES = "router_threshold_changes_total"
_THRESHOLD = f"router_threshold{{{ROUTE}}}"
_KINDS = f'{ROUTE}, kind=~"shadow|explore"'

_OBJECTIVES = Row("Objectives", (
    Panel(
        title="Is one violated?", kind="state-timeline", width=12,
        about="When not all can hold, quality comes before latency, and latency before cost.",
        words={0: ("holds", "green"), 1: ("violated", "red")},
        queries=[Query(latest("router_objective_violated", "route", "objective"), "{{route}} {{objective}}")],
    ),
    Panel(
        title="Promised and measured", kind="table", width=12,
        about="A: what the policy promises; B: what was measured.",
        queries=[
            Query(latest("router_objective", "route", "objective"), "promised", instant=True),
            Query(latest("router_objective_measured", "route", "objective"), "measured", instant=True),
        ],
    ),
    Panel(
        title="Measured, as a share of what is promised", unit="percentunit", width=24,
        about="100 % is the promise itself: quality should be above it, everything else below.",
        queries=[
            Query(
                ratio(
                    latest("router_objective_measured", "route", "objective"),
                    latest("router_objective", "route", "objective"),
                ),
                "{{route}} {{objective}}",
            )
        ],
    ),
))  # fmt: skip

_MOVES = Row("Moves", (
    Panel(
        title="Thresholds, and what is proven", ceiling=1, width=12,
        about="What is in force, and the highest threshold that the evidence supports. Purple marks say when and why "
        "one moved; `smallfirst thresholds` takes a move back, or freezes.",
        queries=[
            Query(latest("router_threshold", "route", "tier"), "{{route}} {{tier}}"),
            Query(latest("router_threshold_proven", "route"), "{{route}} proven"),
        ],
    ),
    Panel(
        title="Why it moved", kind="bargauge", width=6,
        about="Over the time shown, by reason.",
        queries=[Query(increase(_CHANGES, "route", "reason"), "{{route}} {{reason}}", instant=True)],
    ),
    Panel(
        title="Why it did not", kind="bargauge", width=6,
        about="Windows judged, by what came of it: kept: all is well; missed: an objective is, and nothing helps; "
        "proposed: it only observes; unmeasured: there was nothing to judge by.",
        queries=[Query(increase(_WINDOWS, "route", "verdict"), "{{route}} {{verdict}}", instant=True)],
    ),
    Panel(
        title="Frozen", kind="state-timeline",
        about="While frozen, nothing moves; `smallfirst thresholds unfreeze` ends it. A rollback freezes.",
        words={0: ("free", "green"), 1: ("frozen", "blue")},
        queries=[Query(latest("router_threshold_frozen", "route"), "{{route}}")],
    ),
    Panel(
        title="Who moves them", kind="state-timeline",
        about="One replica at a time. Nobody for long: no threshold moves.",
        words={0: ("follows", "text"), 1: ("leads", "green")},
        queries=[Query(latest("router_control_leads", "instance", where=""), "{{instance}}")],
    ),
    Panel(
        title="Do replicas agree?", steps={0.001: RED},
        about="The distance between two replicas' thresholds. Above 0 for more than a moment: Redis is not reached.",
        queries=[
            Query(
                f"max by (route, tier) ({_THRESHOLD}) - min by (route, tier) ({_THRESHOLD})",
                "{{route}} {{tier}}",
            )
        ],
    ),
))  # fmt: skip

_EVIDENCE = Row("Evidence", (
    Panel(
        title="Quality of what started low and of the last tier", unit="percentunit", ceiling=1, width=12,
        about="Seven days, with 95 % intervals. Toward the small tier the threshold moves only on what is proven, by "
        "bounds stricter than these.",
        queries=[
            Query(mean("quality", "route", "start"), "{{route}} {{start}}"),
            Query(bound("-", "quality", "route", "start"), "{{route}} {{start}} at least"),
            Query(bound("+", "quality", "route", "start"), "{{route}} {{start}} at most"),
        ],
    ),
    Panel(
        title="Judged answers that the proof rests on", width=6,
        about="Falls to nothing when drift is found, or what is served changes: it is collected anew.",
        queries=[Query(latest("router_control_evidence", "route"), "{{route}}")],
    ),
    Panel(
        title="Evidence by band, seven days", kind="bargauge", width=6,
        about="What judged answers stand for. A band without any stays where it is.",
        queries=[
            Query(increase(_WEIGHT, "start", "band", where=_JUDGED, over=SPAN), "{{start}} {{band}}", instant=True),
        ],
    ),
    Panel(
        title="New evidence an hour", width=6,
        about="None: nothing moves toward the small tier. Feedback, shadows, exploration, graders and judges make it.",
        queries=[Query(f"3600 * {rate(_WEIGHT, 'route', 'start', 'measure')}", "{{route}} {{start}} {{measure}}")],
    ),
    Panel(
        title="What evidence costs an hour", unit="currencyUSD", stacked=True, width=6,
        about="Shadows with their judges, and exploration.",
        queries=[Query(f"3600 * {rate('router_cost_usd_total', 'kind', where=_KINDS)}", "{{kind}}")],
    ),
    Panel(
        title="Seconds a request, by where it started and how hard it was", unit="s", width=6,
        about="The mean in each band: what moving the threshold would do to latency is predicted from this.",
        queries=[
            Query(
                ratio(rate(f"{_BANDS}_sum", "start", "band"), rate(f"{_BANDS}_count", "start", "band")),
                "{{start}} {{band}}",
            )
        ],
    ),
    Panel(
        title="Drift", width=6,
        about="How far traffic, and the model's calibration, are from the training data. Drift resets evidence.",
        queries=[Query(latest("router_drift", "route", "kind"), "{{route}} {{kind}}")],
    ),
))  # fmt: skip

CONTROL = Dashboard(
    uid="smallfirst-control",
    title="smallfirst: control",
    about="What was promised, what was measured, on what evidence, and why a threshold moved or did not.",
    rows=(_OBJECTIVES, _MOVES, _EVIDENCE),
    annotations=(MOVES, POLICIES),
)

"""The third page: who is asked, who fails, and what need not be asked again."""

from grafana.panels import ORANGE, RED, Dashboard, Panel, Query, Row
from grafana.promql import increase, latest, quantile, rate, ratio

_DUE = "router_tune_due_seconds"
_DROPPED = "router_fields_dropped_total"
_CALLS = "gen_ai_client_operation_duration_seconds"
_DEPLOYMENT = "deployment"
_FAILED = 'error_type!=""'

_HEALTH = Row("Deployments", (
    Panel(
        title="Up", kind="state-timeline", width=12,
        about="Down: its breaker is open, nobody asks it until a probe succeeds.",
        words={0: ("down", "red"), 1: ("up", "green")},
        queries=[Query(latest("router_deployment_up", "deployment", where="", how="min"), "{{deployment}}")],
    ),
    Panel(
        title="Calls a second", unit="reqps", stacked=True, width=12,
        about="Every call, the failed ones and those for answers that were not good enough included.",
        queries=[Query(rate(f"{_CALLS}_count", _DEPLOYMENT, where=""), "{{deployment}}")],
    ),
    Panel(
        title="Failed calls", unit="percentunit", steps={0.02: ORANGE, 0.1: RED},
        about="Of a deployment's calls, those that gave no answer.",
        queries=[
            Query(
                ratio(
                    rate(f"{_CALLS}_count", _DEPLOYMENT, where=_FAILED), rate(f"{_CALLS}_count", _DEPLOYMENT, where="")
                ),
                "{{deployment}}",
            )
        ],
    ),
    Panel(
        title="Failed calls, by how", unit="reqps", stacked=True,
        about="connect, reset, timeout, malformed, status_N …: docs/metrics.md has them all.",
        queries=[
            Query(
                rate(f"{_CALLS}_count", _DEPLOYMENT, "error_type", where=_FAILED),
                "{{deployment}} {{error_type}}",
            )
        ],
    ),
    Panel(
        title="Fallbacks", unit="reqps", stacked=True,
        about="Deployments that failed, or could not be asked (open, full, cost), so that another was. They keep "
        "clients happy while something is broken: alert on them.",
        queries=[Query(rate("router_fallbacks_total", "deployment", "reason", where=""), "{{deployment}} {{reason}}")],
    ),
    Panel(
        title="Until it answers, the middle one", unit="s",
        about="Until a whole answer is there, or a stream commits.",
        queries=[Query(quantile(0.5, _CALLS, _DEPLOYMENT, where=""), "{{deployment}}")],
    ),
    Panel(
        title="Until it answers, slowest 5 %", unit="s",
        about="Near its timeout: the timeout is what you see.",
        queries=[Query(quantile(0.95, _CALLS, _DEPLOYMENT, where=""), "{{deployment}}")],
    ),
    Panel(
        title="Until the first chunk, slowest 5 %", unit="s",
        about="Of the upstream's own stream, whatever is held back here.",
        queries=[
            Query(
                quantile(0.95, "gen_ai_client_operation_time_to_first_chunk_seconds", _DEPLOYMENT, where=""),
                "{{deployment}}",
            )
        ],
    ),
    Panel(
        title="Tokens a call", stacked=False,
        about="OpenTelemetry's own metric, by deployment and kind.",
        queries=[
            Query(
                ratio(
                    rate("gen_ai_client_token_usage_sum", _DEPLOYMENT, "gen_ai_token_type", where=""),
                    rate("gen_ai_client_token_usage_count", _DEPLOYMENT, "gen_ai_token_type", where=""),
                ),
                "{{deployment}} {{gen_ai_token_type}}",
            )
        ],
    ),
    Panel(
        title="Fields that were left out", unit="reqps",
        about="Of requests, because a deployment refuses them (drop): answers may not be what the client asked for.",
        queries=[Query(rate(_DROPPED, "deployment", "field", where=""), "{{deployment}} {{field}}")],
    ),
    Panel(
        title="Until tunes are due", kind="stat", unit="s",
        about="Until the day by which the policy wants a tune to be trained again; below zero it has passed.",
        queries=[Query(f"{latest(_DUE, _DEPLOYMENT, where='')} - time()", "{{deployment}}", instant=True)],
    ),
))  # fmt: skip

_CACHE = Row("Cache and Redis", (
    Panel(
        title="Cache", unit="reqps", stacked=True,
        about="hit: not asked at all; joined: asked once for several who asked the same at the same time; miss.",
        queries=[Query(rate("router_cache_total", "result"), "{{result}}")],
    ),
    Panel(
        title="Answered without asking", unit="percentunit", ceiling=1,
        about="Hits and joins, of everything that might have been one.",
        queries=[
            Query(
                ratio(
                    rate("router_cache_total", "route", where='route=~"$route", result=~"hit|joined"'),
                    rate("router_cache_total", "route"),
                ),
                "{{route}}",
            )
        ],
    ),
    Panel(
        title="Redis", kind="state-timeline",
        about="Down: nothing is remembered or shared, thresholds stay where they are, requests go on.",
        words={0: ("down", "red"), 1: ("up", "green")},
        queries=[Query(latest("router_redis_up", "instance", where="", how="min"), "{{instance}}")],
    ),
    Panel(
        title="What servers share lies in", kind="stat", width=6,
        about="memory: this server alone. Replicas on different ones share nothing with each other.",
        queries=[Query(latest("router_store", "kind", where="", how="count"), "{{kind}}", instant=True)],
    ),
    Panel(
        title="Embedded Valkeys started again", kind="stat", steps={1: RED}, width=6,
        about="Over the time shown. One had ended; what was shared and not learned is forgotten.",
        queries=[Query(increase("router_redis_restarts_total", where=""), instant=True)],
    ),
    Panel(
        title="Records dropped", kind="stat", steps={1: RED},
        about="Over the time shown. The disk is too slow, full or gone; what was dropped is not learned from.",
        queries=[Query(increase("router_records_dropped_total", where=""), instant=True)],
    ),
))  # fmt: skip

UPSTREAMS = Dashboard(
    uid="smallfirst-upstreams",
    title="smallfirst: upstreams and cache",
    about="Who is asked, who fails and how, and what need not be asked again.",
    rows=(_HEALTH, _CACHE),
)

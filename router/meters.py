"""Every metric there is: its name, what it counts, and the labels that tell its series apart.

Label values come from the policy or from an enum, never from a request. Names follow OpenTelemetry's GenAI conventions
where they have one. docs/metrics.md tells the same.
"""

from router.series import Metric

__all__ = ["CONTROL", "METRICS", "SHED"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0)
_TENTHS = tuple(edge / 10 for edge in range(1, 11))
_TOKENS = tuple(4.0**power for power in range(14))
_CALL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "deployment")
"""What was asked: model and provider as the policy names them."""
_JUDGED = ("route", "start", "band", "measure")

SHED = ("inflight", "requests", "tokens", "parallel", "budget")
"""Why requests are turned away: the server's own limit, and those of keys."""

CONTROL = (
    Metric(
        "router_quality_weight_total",
        "counter",
        "Judged answers, each counted as one over the probability that it was looked at; measure is quality (of "
        "start's own answers), loss or gain (against the last tier's answer to the same request), or disagreement.",
        _JUDGED,
    ),
    Metric("router_quality_weight_sq_total", "counter", "The squares of those weights.", _JUDGED),
    Metric("router_quality_weighted_total", "counter", "Weight times what was measured, from 0 to 1.", _JUDGED),
    Metric("router_quality_weighted_sq_total", "counter", "The squares of those.", _JUDGED),
    Metric(
        "router_threshold_frozen", "gauge", "1 while nothing may move a route's threshold.", ("route",), across="max"
    ),
    Metric(
        "router_threshold_proven", "gauge", "The highest threshold that the evidence proves.", ("route",), across="max"
    ),
    Metric(
        "router_threshold_changes_total",
        "counter",
        "Thresholds that changed, by why: quality, latency, escalations, cost, cheaper, set, rollback, reset.",
        ("route", "reason"),
    ),
    Metric(
        "router_control_windows_total",
        "counter",
        "Windows that control judged: moved, proposed (it only observes), frozen, kept, missed (an objective is, and "
        "nothing helps), unmeasured.",
        ("route", "verdict"),
    ),
    Metric("router_control_evidence", "gauge", "Judged answers that the proof rests on.", ("route",), across="max"),
    Metric("router_control_leads", "gauge", "1 on the replica that moves thresholds.", across="max"),
    Metric("router_objective", "gauge", "An objective's limit.", ("route", "objective"), across="max"),
    Metric(
        "router_objective_measured", "gauge", "What control measured of it last.", ("route", "objective"), across="max"
    ),
    Metric("router_objective_violated", "gauge", "1 while it is missed.", ("route", "objective"), across="max"),
    Metric(
        "router_drift",
        "gauge",
        "How far traffic is from the training prompts: difficulty (stability index), novelty (share), calibration "
        "(mean loss beyond what the model expects).",
        ("route", "kind"),
        across="max",
    ),
)
"""The metrics of control."""

METRICS = (
    Metric(
        "router_requests_total",
        "counter",
        "Requests: where they started, the last tier asked, and how they ended (ok, error, broken, left).",
        ("route", "start", "tier", "band", "outcome"),
    ),
    Metric(
        "router_escalations_total",
        "counter",
        "Answers that were not good enough, so that the next tier was asked.",
        ("route", "from_tier", "reason", "band"),
    ),
    Metric(
        "router_fallbacks_total",
        "counter",
        "Deployments that failed or could not be asked, so that another was.",
        ("tier", "deployment", "reason"),
    ),
    Metric(
        "router_late_verdicts_total",
        "counter",
        "Answers that a check would not have accepted, sent all the same: committed, or the last tier's.",
        ("route", "tier", "reason"),
    ),
    Metric(
        "router_judgements_total",
        "counter",
        "Answers that a judge was to score before they were sent: accepted, rejected, or failed (no score: it passed).",
        ("route", "tier", "result"),
    ),
    Metric(
        "router_retrievals_total",
        "counter",
        "Times a tier's retriever was asked: ok, empty (no chunks), timeout or failed.",
        ("route", "tier", "result"),
    ),
    Metric(
        "router_fields_dropped_total",
        "counter",
        "Fields of requests that a deployment was not sent because its `drop` names them.",
        ("deployment", "field"),
    ),
    Metric(
        "router_cost_usd_total",
        "counter",
        "US dollars, where the price is known; kind: served, escalation, judge (before an answer "
        "was sent), explore (wasted), shadow (its judges too), idle (hosts by the hour, of no route).",
        ("route", "start", "tier", "deployment", "kind", "band"),
    ),
    Metric(
        "router_baseline_usd_total",
        "counter",
        "US dollars that answered requests would have cost at the last tier alone, at its cached price.",
        ("route",),
    ),
    Metric(
        "router_escalation_results_total",
        "counter",
        "Escalations whose weak answer was compared with the one that was served: rescued, same, worse (says a judge).",
        ("route", "result"),
    ),
    Metric(
        "router_shadows_total",
        "counter",
        "Calls beside the traffic, kind shadow or judge: answered, unreadable (a judge), a failure, or why nobody was "
        "asked (budget, busy, open, price, queue, retrieval, stale).",
        ("route", "kind", "result"),
    ),
    Metric(
        "router_cost_unknown_total",
        "counter",
        "Answers whose price or usage is unknown; they are never counted as $0.",
        ("deployment",),
    ),
    Metric(
        "router_tokens_total",
        "counter",
        "Tokens; kind is input, output or cached_input (which is part of input).",
        ("route", "tier", "kind"),
    ),
    Metric(
        "router_prompt_tokens_trimmed_total",
        "counter",
        "Prompt tokens that a leaner prompt saved, estimated at four bytes each; answers only, served or not.",
        ("route", "tier"),
    ),
    Metric(
        "router_cache_total",
        "counter",
        "Requests by what the cache had for them: hit, miss, joined (the same was under way), off (not looked for).",
        ("route", "result"),
    ),
    Metric("router_client_disconnects_total", "counter", "Clients who left before their answer was complete."),
    Metric(
        "router_feedback_total",
        "counter",
        "Things said about answers through /v1/feedback: told, revised (something else was said before: not counted "
        "again), or outdated (the route is not what it was).",
        ("route", "source", "result"),
    ),
    Metric(
        "router_judge_agreement_total",
        "counter",
        "Answers of which a judge and people have both spoken; result is agreed or not.",
        ("route", "result"),
    ),
    Metric(
        "router_records_dropped_total",
        "counter",
        "Records that were lost because the disk was too slow, full or gone; alert on any.",
    ),
    Metric("router_policy_reload_total", "counter", "Reloads of the policy: ok or refused.", ("result",)),
    Metric(
        "router_request_seconds",
        "histogram",
        "Seconds from a request's arrival to the end of its answer.",
        ("route", "start"),
        _SECONDS,
    ),
    Metric(
        "router_band_seconds",
        "histogram",
        "The same by band of difficulty: only their sum and count.",
        ("route", "start", "band"),
    ),
    Metric(
        "router_time_to_first_token_seconds", "histogram", "Seconds until a stream began.", ("route", "tier"), _SECONDS
    ),
    Metric(
        "router_overhead_seconds",
        "histogram",
        "Seconds until an answer began to leave, less what upstreams took.",
        (),
        _OVERHEAD,
    ),
    Metric(
        "gen_ai_client_operation_duration_seconds",
        "histogram",
        "Seconds an upstream call took: until its whole answer, or the commit of its stream.",
        (*_CALL, "error_type"),
        _SECONDS,
    ),
    Metric(
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "histogram",
        "Seconds until the first chunk of an upstream's stream.",
        _CALL,
        _SECONDS,
    ),
    Metric(
        "gen_ai_client_token_usage",
        "histogram",
        "Tokens of an upstream call: input, of which some may have been cached, or output.",
        (*_CALL, "gen_ai_token_type"),
        _TOKENS,
    ),
    Metric("router_difficulty", "histogram", "Estimated difficulty.", ("route",), _TENTHS),
    Metric(
        "router_novel_total",
        "counter",
        "Requests that started at the last tier because they are unlike what the model was trained on.",
        ("route",),
    ),
    Metric("router_threshold", "gauge", "The threshold in force.", ("route", "tier"), across="max"),
    *CONTROL,
    Metric("router_policy", "gauge", "1 for the policy in force.", ("version",), across="max"),
    Metric(
        "router_deployment_up",
        "gauge",
        "1 while a deployment may be called, 0 while its breaker is open.",
        ("deployment",),
        across="min",
    ),
    Metric(
        "router_tune_due_seconds",
        "gauge",
        "When a deployment's tune should have been trained again, in seconds since 1970.",
        ("deployment",),
        across="min",
    ),
    Metric("router_inflight", "gauge", "Requests being answered."),
    Metric(
        "router_shed_total",
        "counter",
        "Requests turned away so that others are answered: inflight; by a key's limits: requests, tokens, parallel, "
        "budget.",
        ("reason",),
    ),
    Metric("router_log_dropped_total", "counter", "Lines of the access log that nobody took in time."),
    Metric("router_redis_restarts_total", "counter", "Embedded Valkeys that had ended and were started again."),
    Metric("router_worker_restarts_total", "counter", "Workers that ended by themselves and were started again."),
    Metric("process_cpu_seconds_total", "counter", "Seconds of a core that were used."),
    Metric("process_resident_memory_bytes", "gauge", "Memory that is in use; what workers share counts for each."),
    Metric("process_open_fds", "gauge", "Open files and connections."),
    Metric("process_max_fds", "gauge", "How many of them may be open."),
    Metric("process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.", across="min"),
    Metric(
        "router_redis_up",
        "gauge",
        "1 while what servers share can be read and written; always 1 for memory://.",
        across="min",
    ),
    Metric("router_store", "gauge", "1 for where that is: memory, redis or embedded.", ("kind",), across="max"),
)
"""Every metric there is."""

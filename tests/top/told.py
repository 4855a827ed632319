"""What a server says on /metrics, twice: at first, and a minute later."""

from router.top.reading import Reading

BEFORE = r"""
# HELP router_requests_total Requests.
# TYPE router_requests_total counter
router_requests_total{route="auto",start="tuned",tier="tuned",band="1",outcome="ok"} 60
router_requests_total{route="auto",start="tuned",tier="frontier",band="4",outcome="ok"} 20
router_requests_total{route="auto",start="frontier",tier="frontier",band="9",outcome="error"} 20
router_requests_total{route="",start="",tier="",band="",outcome="error"} 3
router_escalations_total{route="auto",from_tier="tuned",reason="truncated",band="4"} 20
router_threshold{route="auto",tier="tuned"} 0.17
router_threshold_frozen{route="auto"} 1
router_threshold_proven{route="auto"} 0.21
router_control_evidence{route="auto"} 312
router_threshold_changes_total{route="auto",reason="quality"} 1
router_request_seconds_bucket{route="auto",start="tuned",le="0.1"} 50
router_request_seconds_bucket{route="auto",start="tuned",le="0.5"} 90
router_request_seconds_bucket{route="auto",start="tuned",le="+Inf"} 100
router_request_seconds_sum{route="auto",start="tuned"} 31.5
router_request_seconds_count{route="auto",start="tuned"} 100
router_cost_usd_total{route="auto",start="tuned",tier="tuned",deployment="tuned-a",kind="served",band="1"} 0.25
router_baseline_usd_total{route="auto"} 1.25
router_cost_unknown_total{deployment="tuned-a"} 2
router_deployment_up{deployment="tuned-a"} 1
router_deployment_up{deployment="frontier-a"} 0
CALLS_count{deployment="frontier-a",error_type="timeout"} 5
CALLS_count{deployment="frontier-a",error_type=""} 15
router_fallbacks_total{tier="frontier",deployment="frontier-a",reason="timeout"} 5
router_objective{route="auto",objective="quality"} 0.95
router_objective{route="auto",objective="cost_per_request_usd"} 0.002
router_objective_measured{route="auto",objective="quality"} 0.91
router_objective_measured{route="auto",objective="cost_per_request_usd"} NaN
router_objective_violated{route="auto",objective="quality"} 1
router_cache_total{route="auto",result="hit"} 30
router_cache_total{route="auto",result="miss"} 10
router_redis_up 1
router_records_dropped_total 4
router_client_disconnects_total 2
router_policy{version="old \"one\""} 0
router_policy{version="79b94fe71796"} 1
router_inflight 7
""".replace("CALLS", "gen_ai_client_operation_duration_seconds")
AFTER = BEFORE.replace('band="1",outcome="ok"} 60', 'band="1",outcome="ok"} 180').replace("inflight 7", "inflight 9")

before, after = Reading.of(BEFORE), Reading.of(AFTER)

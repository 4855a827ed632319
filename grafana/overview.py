"""The first page: how much, by whom, for how much, how well and how fast."""

from grafana.panels import ORANGE, RED, Dashboard, Panel, Query, Row
from grafana.promql import ROUTE, increase, latest, quantile, rate, ratio

_FAILED = f'{ROUTE}, outcome=~"error|broken"'
_OK = f'{ROUTE}, outcome="ok"'
_STARTED = "process_start_time_seconds"
_SMALLFIRST = 'job="smallfirst"'
_REQUESTS = "router_requests_total"
_COST = "router_cost_usd_total"
_BASELINE = "router_baseline_usd_total"
_SAVED = f"({increase(_BASELINE)} - {increase(_COST)})"

_STATS = Row("Now", (
    Panel(
        title="Requests a second", kind="stat", unit="reqps", width=4, height=4,
        about="Everything that was asked, whatever became of it.",
        queries=[Query(rate(_REQUESTS))],
    ),
    Panel(
        title="Failed", kind="stat", unit="percentunit", width=4, height=4, steps={0.01: ORANGE, 0.05: RED},
        about="Requests that ended in an error, or in a stream that broke off. Upstreams says whose fault it was.",
        queries=[Query(ratio(f"({rate(_REQUESTS, where=_FAILED)} or vector(0))", rate(_REQUESTS)))],
    ),
    Panel(
        title="Saved", kind="stat", unit="currencyUSD", width=4, height=4,
        about="What the last tier alone would have cost at its cached price, less all that was paid: escalations, "
        "shadows, judges and idle hosts included. Over the time shown.",
        queries=[Query(_SAVED, instant=True)],
    ),
    Panel(
        title="Saved, of what it would have cost", kind="stat", unit="percentunit", width=4, height=4,
        about="The same as a share. Below 0 routing costs more than it saves.",
        queries=[Query(ratio(_SAVED, increase(_BASELINE)), instant=True)],
    ),
    Panel(
        title="Slowest 5 %", kind="stat", unit="s", width=4, height=4,
        about="95 % of requests are answered to their end faster than this.",
        queries=[Query(quantile(0.95, "router_request_seconds"))],
    ),
    Panel(
        title="Added by smallfirst, slowest 1 %", kind="stat", unit="s", width=4, height=4,
        steps={0.01: ORANGE, 0.1: RED},
        about="What the proxy itself adds until an answer begins to leave. Milliseconds mean that the process has too "
        "much to do: add replicas.",
        queries=[Query(quantile(0.99, "router_overhead_seconds", where=""))],
    ),
))  # fmt: skip

_TRAFFIC = Row("Traffic", (
    Panel(
        title="By the tier that answered", unit="reqps", stacked=True,
        about="Who gave the answer that was sent. No tier: turned away before anybody was asked.",
        queries=[Query(rate(_REQUESTS, "tier"), "{{tier}}")],
    ),
    Panel(
        title="By what became of it", unit="reqps", stacked=True,
        about="ok; error: an error was sent; broken: a stream ended in an error event; left: the client went first.",
        queries=[Query(rate(_REQUESTS, "outcome"), "{{outcome}}")],
    ),
    Panel(
        title="Being answered", stacked=True,
        about="Requests in flight, by replica. The autoscaler looks at this.",
        queries=[Query(latest("router_inflight", "instance", where="", how="sum"), "{{instance}}")],
    ),
    Panel(
        title="Turned away because it was too much", unit="reqps",
        about="Requests that were refused at the door, by reason: inflight is the server's limit, others are keys'.",
        queries=[Query(rate("router_shed_total", "reason", where=""), "{{reason}}")],
    ),
    Panel(
        title="Clients who left", unit="reqps",
        about="Clients who hung up before their answer was complete. Many: they wait less than answers take.",
        queries=[Query(rate("router_client_disconnects_total", where=""), "left")],
    ),
    Panel(
        title="Policy in force", kind="state-timeline",
        about="The policy's version, as replicas see it. Two for long: a replica does not get its policy.",
        words={1: ("in force", "green")},
        queries=[Query(latest("router_policy", "version", where=""), "{{version}}")],
    ),
))  # fmt: skip

_PROCESS = Row("Processes", (
    Panel(
        title="Cores used", about="One worker uses one core at most: near it, requests wait. Add workers or replicas.",
        queries=[Query(rate("process_cpu_seconds_total", "instance", where=_SMALLFIRST), "{{instance}}")],
    ),
    Panel(
        title="Memory", unit="bytes", about="What is resident, by replica.",
        queries=[Query(latest("process_resident_memory_bytes", "instance", where=_SMALLFIRST), "{{instance}}")],
    ),
    Panel(
        title="Open files, of what is allowed", unit="percentunit", steps={0.8: RED},
        about="Connections are files. Near 100 % new ones are refused: raise the limit, or add replicas.",
        queries=[
            Query(
                ratio(
                    latest("process_open_fds", "instance", where=_SMALLFIRST),
                    latest("process_max_fds", "instance", where=_SMALLFIRST),
                ),
                "{{instance}}",
            )
        ],
    ),
    Panel(
        title="Up for", unit="s", kind="stat", about="Since the server started, by replica.",
        queries=[Query(f"time() - {latest(_STARTED, 'instance', where=_SMALLFIRST)}", "{{instance}}")],
    ),
    Panel(
        title="Workers that had to be started again", kind="stat", steps={1: RED},
        about="Over the time shown. A worker ended by itself; the log's last lines before it say why.",
        queries=[Query(increase("router_worker_restarts_total", where=""), instant=True)],
    ),
    Panel(
        title="Log lines dropped", kind="stat", steps={1: RED},
        about="Over the time shown. Whoever reads stdout is too slow; requests do not wait for it.",
        queries=[Query(increase("router_log_dropped_total", where=""), instant=True)],
    ),
))  # fmt: skip

_MONEY = Row("Money", (
    Panel(
        title="Spent an hour, by what for", unit="currencyUSD", stacked=True,
        about="served: answers that were sent; escalation: those not good enough; judge: scores before an "
        "answer is sent; shadow, explore: what evidence costs; idle: hosts that are paid by the hour.",
        queries=[Query(f"3600 * {rate(_COST, 'kind')}", "{{kind}}")],
    ),
    Panel(
        title="Spent an hour, by deployment", unit="currencyUSD", stacked=True,
        about="Where the money goes.",
        queries=[Query(f"3600 * {rate(_COST, 'deployment')}", "{{deployment}}")],
    ),
    Panel(
        title="Spent, and what the last tier alone would have cost", unit="currencyUSD",
        about="An hour's worth of both. What lies between them is saved.",
        queries=[
            Query(f"3600 * {rate(_COST)}", "spent"),
            Query(f"3600 * {rate(_BASELINE)}", "the last tier alone"),
        ],
    ),
    Panel(
        title="A thousand requests cost", unit="currencyUSD",
        about="Everything that was spent, over everything that was answered, by route.",
        queries=[Query(f"1000 * {ratio(rate(_COST, 'route'), rate(_REQUESTS, 'route', where=_OK))}", "{{route}}")],
    ),
    Panel(
        title="Answers nobody knows the price of", unit="reqps", steps={0.000001: RED},
        about="Never counted as $0: give these deployments a price in the policy.",
        queries=[Query(rate("router_cost_unknown_total", "deployment", where=""), "{{deployment}}")],
    ),
    Panel(
        title="Prompt tokens that leaner prompts saved",
        about="Tokens a second that a tier's or a tune's own prompt is shorter than what clients send.",
        queries=[Query(rate("router_prompt_tokens_trimmed_total", "tier"), "{{tier}}")],
    ),
))  # fmt: skip

_TIME = Row("Time", (
    Panel(
        title="Until the answer is complete", unit="s",
        about="From a request's first byte to its answer's last, all routes shown together.",
        queries=[Query(quantile(q, "router_request_seconds"), f"p{round(100 * q)}") for q in (0.5, 0.95, 0.99)],
    ),
    Panel(
        title="Until the answer is complete, by where it started", unit="s",
        about="95 % are faster. The small tier should be the faster one.",
        queries=[Query(quantile(0.95, "router_request_seconds", "start"), "{{start}}")],
    ),
    Panel(
        title="Until the first token", unit="s",
        about="95 % of streams begin sooner, by the tier that answered; what was held back for checks is in here.",
        queries=[Query(quantile(0.95, "router_time_to_first_token_seconds", "tier"), "{{tier}}")],
    ),
    Panel(
        title="Added by smallfirst", unit="s",
        about="Until an answer begins to leave, less what upstreams took.",
        queries=[
            Query(quantile(q, "router_overhead_seconds", where=""), f"p{round(100 * q)}") for q in (0.5, 0.95, 0.99)
        ],
    ),
    Panel(
        title="Tokens a second", stacked=True,
        about="input contains cached_input.",
        queries=[Query(rate("router_tokens_total", "tier", "kind"), "{{tier}} {{kind}}")],
    ),
    Panel(
        title="Reloads of the policy", kind="bargauge",
        about="Over the time shown. Refused ones changed nothing: the log says what is wrong with them.",
        queries=[Query(increase("router_policy_reload_total", "result", where=""), "{{result}}", instant=True)],
    ),
))  # fmt: skip

OVERVIEW = Dashboard(
    uid="smallfirst-overview",
    title="smallfirst: overview",
    about="How much is asked, who answers, what it costs and saves, what fails, how fast it is.",
    rows=(_STATS, _TRAFFIC, _MONEY, _TIME, _PROCESS),
)

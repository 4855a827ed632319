"""What operators look at and are woken by: dashboards as code, recording rules and alerts.

::

    panels      queries, panels, rows and dashboards as values, and what Grafana reads of them
    promql      the few shapes of query that every panel is made of
    overview    traffic, tiers, money, errors, time
    routing     difficulty, thresholds, escalations, quality
    upstreams   deployments, failures, the cache
    control     objectives against measurements, evidence, moves
    build       writes all of it: `make dashboards`
"""

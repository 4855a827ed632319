"""The few shapes of query that every panel is made of; `$route` is the dashboard's choice of routes."""

__all__ = ["SPAN", "increase", "latest", "quantile", "rate", "ratio"]

WINDOW = "$__rate_interval"
SPAN = "7d"
"""What the slow loop looks at when it judges quality."""
ROUTE = 'route=~"$route"'


def rate(metric: str, *by: str, where: str = ROUTE, over: str = WINDOW) -> str:
    """Give the sum of a counter's rates a second; `where` is empty for metrics that have no route."""
    return f"{_sum(by)}(rate({_series(metric, where)}[{over}]))"


def increase(metric: str, *by: str, where: str = ROUTE, over: str = "$__range") -> str:
    """Give what a counter gained over a time, as a rule the whole time that is shown."""
    return f"{_sum(by)}(increase({_series(metric, where)}[{over}]))"


def latest(metric: str, *by: str, where: str = ROUTE, how: str = "max") -> str:
    """Give a gauge as it is now, over all replicas."""
    return f"{how}{_by(by)} ({_series(metric, where)})"


def quantile(share: float, histogram: str, *by: str, where: str = ROUTE) -> str:
    """Give the value below which this share of what was observed lies."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by, where=where)})"


def ratio(part: str, whole: str) -> str:
    """Give one thing as a share of another; what there was none of has no share."""
    return f"{part} / ({whole} > 0)"


def _series(metric: str, where: str) -> str:
    return f"{metric}{{{where}}}" if where else metric


def _by(by: tuple[str, ...]) -> str:
    return f" by ({', '.join(by)})" if by else ""


def _sum(by: tuple[str, ...]) -> str:
    return f"sum{_by(by)} " if by else "sum"

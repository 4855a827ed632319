"""Control moving: one replica reads what all measured, judges it, and moves thresholds. Outside requests.

::

    reading     counters at two moments, and the window between them. Values
    remote      what Prometheus and Grafana understand
    sources     where counters are read: Prometheus, or this process
    lease       which replica leads
    news        what became of thresholds that was not told yet. Values
    hosts       what hosts cost that are paid by the hour
    telling     what a judgement becomes: metrics, a line, a record, a note on dashboards
    steering    one look after the other
"""

from router.loop.hosts import Hosts
from router.loop.lease import Lease
from router.loop.remote import Grafana, Prometheus, Remote
from router.loop.sources import FromPrometheus, Own, Source
from router.loop.steering import Steersman
from router.loop.telling import Telling

__all__ = [
    "FromPrometheus",
    "Grafana",
    "Hosts",
    "Lease",
    "Own",
    "Prometheus",
    "Remote",
    "Source",
    "Steersman",
    "Telling",
]

"""A request takes the same instructions whatever else there is: routes, keys, open streams, requests before it."""

from pathlib import Path
from typing import Any

import pytest

from bench import workload
from bench.flat import many, slope
from bench.path import Client, measure

FEW, MANY = 10, 1000
STREAMS = 100
REQUESTS = 1500


def test_as_many_with_a_thousand_routes_and_keys_as_with_ten() -> None:
    def few(folder: Path) -> dict[str, Any]:
        return many(folder, FEW, FEW)

    def more(folder: Path) -> dict[str, Any]:
        return many(folder, MANY, MANY)

    assert measure("miss", changed=more).instructions == pytest.approx(
        measure("miss", changed=few).instructions, rel=0.01
    )


def test_as_many_with_a_hundred_open_streams_beside_it_as_alone() -> None:
    def streams(address: str) -> list[Client]:
        clients = [Client(address) for _ in range(STREAMS)]
        for number, client in enumerate(clients):
            client.begin(workload.request(10_000 + number, stream=True, marker="#mock:0,2,60000#"))
        return clients

    assert measure("miss", before=streams).instructions == pytest.approx(measure("miss").instructions, rel=0.01)


def test_as_many_after_a_thousand_requests_as_at_the_beginning() -> None:
    def requests(address: str) -> list[Client]:
        client = Client(address)
        for number in range(REQUESTS):
            client.ask(workload.request(20_000 + number))
        return [client]

    assert measure("miss", before=requests).instructions == pytest.approx(measure("miss").instructions, rel=0.01)


def test_a_line_through_the_sizes_is_found() -> None:
    each, fixed = slope({1: 105.0, 10: 150.0, 100: 600.0})

    assert each == pytest.approx(5)
    assert fixed == pytest.approx(100)

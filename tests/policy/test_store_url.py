"""Addresses of what servers share."""

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from router.policy.store_url import StoreUrl, read_store_url


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("memory://", {"kind": "memory"}),
        ("embedded://", {"kind": "embedded"}),
        ("redis://cache", {"kind": "one", "hosts": (("cache", 6379),)}),
        (" redis://cache:7000/2 ", {"kind": "one", "hosts": (("cache", 7000),), "database": 2}),
        ("redis://[::1]:7000", {"kind": "one", "hosts": (("::1", 7000),)}),
        ("rediss://:p%40ss@cache/", {"kind": "one", "hosts": (("cache", 6379),), "tls": True, "password": "p@ss"}),
        ("redis://bob:x@cache", {"kind": "one", "hosts": (("cache", 6379),), "user": "bob", "password": "x"}),
        ("unix:///run/redis.sock", {"kind": "unix", "path": "/run/redis.sock"}),
        ("unix://bob:x@/run/a%20b", {"kind": "unix", "path": "/run/a b", "user": "bob", "password": "x"}),
        (
            "redis+sentinel://a,b:1/main/3?sentinel_password=y",
            {
                "kind": "sentinel",
                "hosts": (("a", 26379), ("b", 1)),
                "master": "main",
                "database": 3,
                "options": {"sentinel_password": "y"},
            },
        ),
        (
            "rediss+cluster://a,b:1/0?ssl_ca_certs=%2Fca.pem",
            {
                "kind": "cluster",
                "hosts": (("a", 6379), ("b", 1)),
                "tls": True,
                "options": {"ssl_ca_certs": "/ca.pem"},
            },
        ),
    ],
)
def test_an_address_says_how_to_connect(text: str, read: dict[str, Any]) -> None:
    assert read_store_url(text) == StoreUrl(**read)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("memcached://hunter2", "must begin with one of"),
        ("redis", "must begin with one of"),
        ("embedded://hunter2", "is all there is to say"),
        ("unix://hunter2", "by its whole path"),
        ("redis://", "host or port"),
        ("redis://hunter2:99999", "host or port"),
        ("redis://a,hunter2", "host or port"),
        ("redis://hunter2/one", "number of a database"),
        ("redis+sentinel://hunter2", "must name the master"),
        ("redis+cluster://hunter2/1", "a cluster has only that one"),
        ("redis://hunter2?decode=1", "'decode' is not an option"),
    ],
)
def test_a_fault_says_what_to_write_and_never_the_address(text: str, told: str) -> None:
    with pytest.raises(PydanticCustomError, match=told) as raised:
        read_store_url(text)

    assert "hunter2" not in str(raised.value)


def test_secrets_do_not_show() -> None:
    assert "hunter2" not in repr(read_store_url("redis://bob:hunter2@cache?sentinel_password=hunter2"))


def test_the_options_of_tls_go_to_redis_py_as_they_are() -> None:
    url = read_store_url("rediss+sentinel://a/main?ssl_ca_certs=/ca.pem&sentinel_username=x")

    assert url.tls_query() == "ssl_ca_certs=%2Fca.pem"

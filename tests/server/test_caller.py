"""Who asks, and what they ask for in headers."""

import pytest

from router.errors import BadRequest, Unauthorized
from router.keys import Key, Keyring, hash_key
from router.policy.limits import Allowance, Limit
from router.server.caller import identify
from tests.server.asgi import scope_of

KEYS = Keyring({bytes.fromhex(hash_key("sf-ann").removeprefix("sha256:")): Key("ann", {"team": "support"})})


def test_a_key_is_known_by_name_and_labels() -> None:
    caller = identify(scope_of("/", headers={"Authorization": "Bearer sf-ann"}), KEYS)
    assert (caller.tenant, dict(caller.labels)) == ("ann", {"team": "support"})


def test_a_caller_may_do_what_the_key_s_limit_allows() -> None:
    limited = KEYS.under({"all": Limit(parallel=4)})
    caller = identify(scope_of("/", headers={"Authorization": "Bearer sf-ann"}), limited)
    assert caller.allowance == Allowance("all", "ann", ("key", "ann"), parallel=4)
    assert identify(scope_of("/"), None).allowance is None


@pytest.mark.parametrize("given", [None, "Bearer sf-eve", "sf-ann", "Basic sf-ann", "Bearer", "Bearer s\xe9"])
def test_a_key_that_is_missing_or_unknown_is_told_as_openai_tells_it(given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    with pytest.raises(Unauthorized) as caught:
        identify(scope_of("/", headers=headers), KEYS)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.headers == {"www-authenticate": "Bearer"}
    assert "sf-eve" not in caught.value.message


def test_a_key_may_stand_alone_where_anthropic_s_clients_put_it() -> None:
    assert identify(scope_of("/", headers={"X-Api-Key": "sf-ann"}), KEYS).tenant == "ann"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": "sf-eve"},
        {"X-Api-Key": "Bearer sf-ann"},
        {"Authorization": "Bearer sf-eve", "X-Api-Key": "sf-ann"},
    ],
)
def test_a_key_that_stands_alone_is_no_less_looked_at(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized, match="Incorrect API key"):
        identify(scope_of("/", headers=headers), KEYS)


@pytest.mark.parametrize("empty", ["", "Bearer", "bearer "])
def test_an_empty_authorization_leaves_it_to_the_key_that_stands_alone(empty: str) -> None:
    headers = {"Authorization": empty, "X-Api-Key": "sf-ann"}
    assert identify(scope_of("/", headers=headers), KEYS).tenant == "ann"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "or by itself in an x-api-key header"),
        ({"Authorization": "Bearer "}, "You didn't provide an API key"),
        ({"X-Api-Key": ""}, "You didn't provide an API key"),
        ({"Authorization": "", "X-Api-Key": ""}, "You didn't provide an API key"),
        ({"Authorization": "", "X-Api-Key": "sf-eve"}, "Incorrect API key"),
        ({"Authorization": "sf-ann"}, "does not begin with 'Bearer'"),
        ({"Authorization": "Basic sf-ann", "X-Api-Key": "sf-ann"}, "does not begin with 'Bearer'"),
        ({"Authorization": "Bearer sf-eve"}, "Incorrect API key"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(headers: dict[str, str], told: str) -> None:
    with pytest.raises(Unauthorized, match=told):
        identify(scope_of("/", headers=headers), KEYS)


def test_without_a_keyring_everybody_may_ask() -> None:
    assert identify(scope_of("/", headers={"Authorization": "Bearer whatever"}), None).tenant is None


def test_headers_move_the_choice() -> None:
    headers = {"X-Router-Tier": "tuned", "X-Router-Threshold": "0.25", "X-Router-Max-Cost-USD": "0.01", "X-Team": "b"}
    caller = identify(scope_of("/", headers=headers), None)
    assert (caller.tier, caller.threshold, caller.budget) == ("tuned", 0.25, 0.01)
    assert caller.headers["x-team"] == "b"


def test_headers_are_read_by_their_names_in_lower_case() -> None:
    headers = identify(scope_of("/", headers={"X-Team": "b\xe9", "Accept": "*/*"}), None).headers
    assert dict(headers) == {"x-team": "b\xe9", "accept": "*/*"}
    assert len(headers) == 2
    assert "x-team" in headers
    assert "x-other" not in headers
    assert headers.get("x-other") is None


def test_a_session_and_what_is_wanted_of_the_cache_are_read() -> None:
    headers = {"X-Router-Session": "one", "Cache-Control": "no-cache"}
    caller = identify(scope_of("/", headers=headers), None)
    assert (caller.session, caller.control) == ("one", "no-cache")


def test_an_empty_tier_is_none() -> None:
    assert identify(scope_of("/", headers={"x-router-tier": ""}), None).tier is None


@pytest.mark.parametrize(
    ("name", "text", "span"),
    [
        ("x-router-threshold", "1.1", "between 0 and 1"),
        ("x-router-threshold", "nan", "between 0 and 1"),
        ("x-router-threshold", "", "between 0 and 1"),
        ("x-router-max-cost-usd", "-1", "of at least 0"),
        ("x-router-max-cost-usd", "cheap", "of at least 0"),
    ],
)
def test_a_number_that_is_none_is_told(name: str, text: str, span: str) -> None:
    with pytest.raises(BadRequest) as caught:
        identify(scope_of("/", headers={name: text}), None)
    assert caught.value.message == f"{name} must be a number {span}, not '{text}'"
    assert caught.value.param == name

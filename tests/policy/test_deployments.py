"""What YAML may say about a deployment."""

from router.policy.deployments import Deployment, HourlyPrice, Price, Timeout


def test_the_defaults_are_those_of_the_design() -> None:
    deployment = Deployment(model="m")

    assert deployment.timeout == Timeout(connect=5, first_byte=60, idle=60, total=600)
    assert (deployment.breaker.failures, deployment.breaker.open_for) == (5, 10)
    assert (deployment.concurrency, deployment.when_full, deployment.context_window) == (None, "queue", None)
    assert (deployment.api_key, deployment.price, deployment.labels) == (None, None, {})


def test_a_price_is_per_token_or_per_hour() -> None:
    tokens = Deployment.model_validate({"model": "m", "price": {"input": 0.05, "output": 0.2}})
    hours = Deployment.model_validate({"model": "m", "price": {"per_hour": 2.4}})

    assert tokens.price == Price(input=0.05, output=0.2, cached_input=None)
    assert hours.price == HourlyPrice(per_hour=2.4)
    assert Deployment(model="m", price=HourlyPrice(per_hour=2.4)) == hours


def test_what_a_model_can_do_is_unknown_until_it_is_said() -> None:
    deployment = Deployment.model_validate({"model": "m", "supports": {"images": False}})

    assert (deployment.supports.images, deployment.supports.tools) == (False, None)


def test_an_empty_key_is_no_key() -> None:
    assert Deployment(model="m", api_key="").api_key is None
    assert Deployment(model="m", api_key=" sk-1\n").api_key == "sk-1"

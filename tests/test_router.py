"""The package itself."""

import router


def test_the_package_knows_its_version() -> None:
    assert router.__version__.count(".") == 2

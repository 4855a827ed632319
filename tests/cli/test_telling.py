"""How commands speak."""

import pytest

from router.cli.telling import print_json


def test_a_document_is_alone_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None]})

    assert capfd.readouterr() == ('{\n  "a": [\n    1,\n    null\n  ]\n}\n', "")

"""How commands speak."""

import pytest

from router.cli.telling import Refused, print_json, read_settings


def test_a_document_is_alone_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None]})

    assert capfd.readouterr() == ('{\n  "a": [\n    1,\n    null\n  ]\n}\n', "")


def test_an_environment_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALLFIRST_PORT", "many")

    with pytest.raises(Refused, match="SMALLFIRST_PORT: must be a number"):
        read_settings()

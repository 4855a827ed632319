"""Every behaviour and every class of error, one file each in `tests/scenarios/`, played over real sockets."""

from pathlib import Path

import pytest

from tests.scenario import Scenario, names, play


@pytest.mark.parametrize(("name", "way"), [pytest.param(*one, id="-".join(filter(None, one))) for one in names()])
async def test_scenario(name: str, way: str, tmp_path: Path) -> None:
    wrong = await play(Scenario(name, way), tmp_path)
    assert not wrong, "\n".join([f"tests/scenarios/{name}.yaml", *wrong])

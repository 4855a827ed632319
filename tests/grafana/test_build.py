"""Dashboards as code: what is committed is what the code says, and each panel can be read."""

import pytest
import yaml

from grafana.build import DASHBOARDS, FOLDER, files
from grafana.panels import WIDTH, Dashboard, render
from tests.grafana.queries import KNOWN, metrics, panels


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_committed_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == files()[name], "run `make dashboards`"


def test_no_other_dashboard_lies_beside_them() -> None:
    assert {path.stem for path in (FOLDER / "dashboards").iterdir()} == set(DASHBOARDS)


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_panels_stand_side_by_side_and_each_is_told(dashboard: Dashboard) -> None:
    made = render(dashboard)["panels"]
    taken = set[tuple[int, int]]()
    for panel in made:
        place = panel["gridPos"]
        cells = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert all(0 <= x < WIDTH for x, _ in cells), panel["title"]
        taken |= cells

    titles = [panel.title for panel in dashboard.panels]
    assert len(set(titles)) == len(titles)
    assert [panel.title for panel in dashboard.panels if not panel.about.endswith((".", "!"))] == []
    assert len({panel["id"] for panel in made}) == len(made)


def test_names_are_one_dashboard_s_own() -> None:
    assert len({one.uid for one in DASHBOARDS.values()}) == len(DASHBOARDS)


def test_every_metric_that_is_asked_for_is_one_that_there_is() -> None:
    asked = {metric for _, query in panels() for metric in metrics(query.expr)}

    assert asked - set(KNOWN) == set()


def test_every_metric_that_there_is_can_be_seen() -> None:
    """A number that nobody looks at is not worth counting."""
    asked = {metric for _, query in panels() for metric in metrics(query.expr)}

    assert set(KNOWN) - asked == set()


def test_kubernetes_gets_every_dashboard() -> None:
    (generator,) = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["configMapGenerator"]

    assert set(generator["files"]) == {f"dashboards/{name}.json" for name in DASHBOARDS}

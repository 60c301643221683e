"""The dashboard and the alert rules name only metrics and labels that there are, in PromQL."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from spectraview.exposition.families import FAMILIES

DEPLOY = Path(__file__).parents[2] / "deploy"
_OF_PROMETHEUS = {"up", "job", "instance"}
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = {
    family.name + suffix: family
    for family in FAMILIES.values()
    for suffix in _SUFFIXES[family.kind]
}


def dashboard() -> Any:
    """Return the dashboard."""
    return json.loads((DEPLOY / "grafana-dashboard.json").read_text())


def rules() -> list[Any]:
    """Return the alert rules."""
    read = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Yield all that Prometheus is asked."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")
    yield from (rule["expr"] for rule in rules())


def selectors(node: Any) -> Iterator[Any]:
    """Yield the vector selectors of an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        part = getattr(node, name, None)
        if part is not None:
            yield from selectors(part)
    for argument in getattr(node, "args", None) or ():
        yield from selectors(argument)


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_names_what_there_is(expression: str) -> None:
    found = list(selectors(promql_parser.parse(expression)))
    assert len(found) == len(re.findall(r"\b(?:spectraview|process)_\w+|\bup\b", expression))
    for selector in found:
        if selector.name in _OF_PROMETHEUS:
            continue
        family = NAMES[selector.name]
        known = {*family.labels, *_OF_PROMETHEUS, "le"}
        assert {matcher.name for matcher in selector.matchers.matchers} <= known, selector.name


def test_every_metric_has_a_place_on_the_dashboard() -> None:
    shown = " ".join(expressions())
    hidden = {name for name in FAMILIES if not re.search(rf"\b{name}(_|\b)", shown)}
    assert hidden == {"process_virtual_memory_bytes", "process_start_time_seconds"}


def test_every_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), rule
        assert rule["annotations"]["summary"].endswith("."), rule
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for place in (panel["gridPos"] for panel in panels):
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(columns) < 24
        taken |= cells

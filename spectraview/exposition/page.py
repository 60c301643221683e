"""Writes a snapshot in the format that a scraper asks for."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from spectraview.exposition.families import FAMILIES, Family
from spectraview.exposition.snapshot import Snapshot


def write_page(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """Return the metrics as Prometheus' text or OpenMetrics, and the content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(snapshot))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Page(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """Tell nothing before the scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family, also those that have no value yet."""
        metrics: dict[str, Metric] = {}
        for family in FAMILIES.values():
            metrics[family.name] = _metric(family)
        for name, labels, value in self._snapshot.numbers:
            metric = metrics[name]
            assert isinstance(metric, CounterMetricFamily | GaugeMetricFamily), name
            metric.add_metric(labels, value)
        for name, labels, counts, total in self._snapshot.histograms:
            metric = metrics[name]
            assert isinstance(metric, HistogramMetricFamily), name
            metric.add_metric(labels, _buckets(FAMILIES[name], counts), total)
        yield from metrics.values()


def _metric(family: Family) -> Metric:
    if family.kind == "counter":
        return CounterMetricFamily(family.name, family.help, labels=family.labels)
    if family.kind == "gauge":
        return GaugeMetricFamily(family.name, family.help, labels=family.labels)
    return HistogramMetricFamily(family.name, family.help, labels=family.labels)


def _buckets(family: Family, counts: list[int]) -> list[tuple[str, float]]:
    bounds = [*map(str, family.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(counts)), strict=True))

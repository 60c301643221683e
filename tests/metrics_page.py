"""What GET /metrics says, as a scraper understands it."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.api_client import ApiClient

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(api: ApiClient) -> Samples:
    """Return all samples by name and labels."""
    answer = await api.request("GET", "/metrics", key=None)
    assert answer.status == 200, answer
    return samples_of(answer.json.decode())


def parse(text: str) -> list[Metric]:
    """Return the families of a page."""
    return list(text_string_to_metric_families(text))


def samples_of(text: str) -> Samples:
    """Return the samples of a page."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return a sample's value, 0 when there is none."""
    return samples.get((f"spectraview_{name}", frozenset(labels.items())), 0.0)

"""What observing, logging and limiting cost: CPU for each event, with and without, in turn."""

import statistics
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.capacity_gauges import Gauges
from bench.capacity_generator import running_generator
from bench.capacity_load import LoadPlan
from bench.capacity_server import Server, own_server
from bench.capacity_step import load_figures, posted, problems
from bench.figures import Figure, Result
from bench.progress import progress

_SCRAPE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Variant:
    """A server as one of the two is started, from the tree of a Python."""

    name: str
    python: str
    settings: Mapping[str, str] = field(default_factory=dict)
    scraped: bool = False


def compare_cost(variants: Sequence[Variant], plan: LoadPlan, rounds: int) -> Iterator[Result]:
    """Yield what each round of each variant cost, then the medians. Raises BenchError."""
    spent: dict[str, list[list[Figure]]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        # In turn, and in turn first: what else the machine does meets both alike.
        for variant in variants if number % 2 else variants[::-1]:
            with progress(f"round {number + 1}, {variant.name}", 1, "step"):
                result = _measure(variant, plan)
            spent[variant.name].append(list(result.figures))
            yield result
    for name, figures in spent.items():
        yield Result("cost", f"{name}, median", _medians(figures))


def _measure(variant: Variant, plan: LoadPlan) -> Result:
    with own_server(1, variant.settings, variant.python) as server:
        gauges = Gauges(server)
        with (
            running_generator(server.target, plan) as generator,
            _scraping(server, variant.scraped),
        ):
            generator.started()
            generator.go()
            loaded = posted(generator, gauges)
        figures = [
            *gauges.event_figures(loaded.events),
            *load_figures(plan, loaded),
            *gauges.cpu_figures(loaded.events),
        ]
    return Result("cost", variant.name, figures, problems(loaded, figures, None))


def _medians(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    values: dict[str, list[float]] = {}
    for figures in rounds:
        for figure in figures:
            values.setdefault(figure.name, []).append(figure.value or 0.0)
    return [Figure(name, statistics.median(found)) for name, found in values.items()]


@contextmanager
def _scraping(server: Server, scraped: bool) -> Iterator[None]:
    """Read /metrics again and again, as Prometheus does."""
    leaving = threading.Event()
    url = f"http://{server.target.host}:{server.port}/metrics"

    def scrape() -> None:
        while not leaving.wait(_SCRAPE_SECONDS):
            with urllib.request.urlopen(url) as answer:
                answer.read()

    thread = threading.Thread(target=scrape, name="scraper", daemon=True)
    if scraped:
        thread.start()
    try:
        yield
    finally:
        leaving.set()
        if scraped:
            thread.join()

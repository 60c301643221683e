"""What the system knows of this process."""

from prometheus_client import ProcessCollector

from spectraview.exposition.snapshot import Snapshot


def add_process(snapshot: Snapshot) -> None:
    """Add memory, CPU and open files. May take milliseconds: it counts the files."""
    for metric in ProcessCollector(registry=None).collect():
        for sample in metric.samples:
            snapshot.add(metric.name, sample.value)

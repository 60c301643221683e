"""Python looks for garbage as it does elsewhere, but rarely among all that lives."""

import gc
import weakref

from spectraview.serving.garbage import rare_collections


class Knot:
    """An object in a cycle."""

    def __init__(self) -> None:
        self.itself = self


async def test_young_cycles_are_found_and_old_ones_left_for_later() -> None:
    before = gc.get_threshold()
    old = Knot()
    async with rare_collections():
        kept, knots = weakref.ref(old), [weakref.ref(Knot()) for _ in range(20_000)]
        del old
        assert kept() is not None
        assert sum(knot() is not None for knot in knots) < 10_000
    assert gc.get_threshold() == before
    gc.collect()
    assert kept() is None

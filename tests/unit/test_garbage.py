"""Python looks for garbage as it does elsewhere, but rarely among all that lives."""

import gc
import weakref

from spectraview.serving.garbage import pause_after, rare_collections


class Knot:
    """An object in a cycle."""

    def __init__(self) -> None:
        self.itself = self


async def test_young_cycles_are_found_and_old_ones_left_for_later() -> None:
    before = gc.get_threshold()
    old = Knot()
    async with rare_collections(lambda: 0.0):
        kept, knots = weakref.ref(old), [weakref.ref(Knot()) for _ in range(20_000)]
        del old
        assert kept() is not None
        assert sum(knot() is not None for knot in knots) < 10_000
    assert gc.get_threshold() == before
    gc.collect()
    assert kept() is None


def test_it_looks_more_rarely_while_the_loop_is_busy() -> None:
    assert pause_after(0.01, loop_busy=0.1) < pause_after(0.01, loop_busy=0.9)
    assert pause_after(0.5, loop_busy=0.1) < pause_after(0.5, loop_busy=0.9)


def test_it_looks_again_at_last_however_long_a_look_takes() -> None:
    assert pause_after(60, loop_busy=0.9) == pause_after(60, loop_busy=0.1) == 600

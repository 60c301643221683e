"""Segments are compressed so that browsers can read them, and damage is found."""

import random

import pytest
import zstandard

from spectraview.storage.codec import CorruptData, TooLarge
from spectraview.storage.zstd import check, compress, decompress

NOISE = random.Random(7).randbytes(100_000)
TEXTS = [b"", b"{}", b'{"type":3}' * 1_000_000, NOISE]


@pytest.mark.parametrize("raw", TEXTS)
def test_what_was_compressed_comes_back(raw: bytes) -> None:
    frame = compress(raw)
    check(frame, raw)
    assert decompress(frame, len(raw)) == raw


@pytest.mark.parametrize("raw", TEXTS)
def test_a_frame_says_its_size_and_needs_no_larger_window_than_browsers_have(raw: bytes) -> None:
    parameters = zstandard.get_frame_parameters(compress(raw))
    assert parameters.content_size == len(raw)
    assert parameters.window_size <= 8 * 1024 * 1024
    assert parameters.has_checksum


def test_more_than_the_limit_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        decompress(compress(b"x" * 1001), 1000)


@pytest.mark.parametrize("raw", TEXTS)
def test_damage_is_found(raw: bytes) -> None:
    frame = compress(raw)
    flipped = frame[:-1] + bytes([frame[-1] ^ 1])
    for damaged in (frame[:-1], frame + b"x", frame + frame, flipped, b"", frame[1:]):
        with pytest.raises(CorruptData):
            check(damaged, raw)
        with pytest.raises(CorruptData):
            decompress(damaged, len(raw))


def test_a_whole_frame_of_something_else_is_found() -> None:
    for other in (NOISE[:-1], NOISE[:-1] + b"x", NOISE + b"x"):
        with pytest.raises(CorruptData):
            check(compress(other), NOISE)

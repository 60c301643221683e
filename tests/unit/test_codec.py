"""What the codec inflates, refuses and cuts."""

import gzip
import zlib

import pytest

from spectraview.storage.codec import (
    CorruptData,
    TooLarge,
    deflate,
    detect_codec,
    inflate,
    split_events,
)
from spectraview.storage.models import Codec
from tests.unit.bodies import COMPRESSORS, raw_deflate

RAW = b'[{"type":3,"timestamp":1},{"type":3,"timestamp":2}]' * 100
CODECS: list[Codec] = ["zlib", "gzip", "deflate"]


@pytest.mark.parametrize("codec", CODECS)
def test_each_codec_is_detected_and_inflated(codec: Codec) -> None:
    data = COMPRESSORS[codec](RAW)
    assert (detect_codec(data), inflate(data, codec)) == (codec, RAW)


@pytest.mark.parametrize("level", range(-1, 10))
def test_every_zlib_level_is_detected(level: int) -> None:
    assert detect_codec(zlib.compress(RAW, level)) == "zlib"


@pytest.mark.parametrize("raw", [b"", b"[]", RAW, bytes(range(256)) * 300], ids=len)
@pytest.mark.parametrize("level", range(10))
def test_raw_deflate_is_not_taken_for_another_codec(raw: bytes, level: int) -> None:
    stream = zlib.compressobj(level, wbits=-15)
    assert detect_codec(stream.compress(raw) + stream.flush()) == "deflate"


def test_deflated_data_is_a_zlib_stream() -> None:
    assert zlib.decompress(deflate(RAW)) == RAW


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("length", [0, 1, 2, 10, -1])
def test_a_truncated_stream_is_refused(codec: Codec, length: int) -> None:
    with pytest.raises(CorruptData, match="cut off"):
        inflate(COMPRESSORS[codec](RAW)[:length], codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("trailing", [b"x", b"\0", b"another stream"])
def test_data_after_the_stream_is_refused(codec: Codec, trailing: bytes) -> None:
    with pytest.raises(CorruptData, match="followed by other data"):
        inflate(COMPRESSORS[codec](RAW) + trailing, codec)


def test_a_second_gzip_member_is_refused() -> None:
    with pytest.raises(CorruptData, match="followed by other data"):
        inflate(gzip.compress(RAW) + gzip.compress(RAW), "gzip")


@pytest.mark.parametrize(("codec", "place"), [("zlib", -1), ("gzip", -8), ("gzip", -1)])
def test_a_wrong_checksum_or_length_is_refused(codec: Codec, place: int) -> None:
    data = bytearray(COMPRESSORS[codec](RAW))
    data[place] ^= 1
    with pytest.raises(CorruptData, match="damaged"):
        inflate(bytes(data), codec)


def test_a_preset_dictionary_is_refused() -> None:
    stream = zlib.compressobj(zdict=b"timestamp")
    with pytest.raises(CorruptData, match="damaged"):
        inflate(stream.compress(RAW) + stream.flush(), "zlib")


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_as_large_as_the_limit_is_inflated(codec: Codec) -> None:
    assert inflate(COMPRESSORS[codec](RAW), codec, len(RAW)) == RAW


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_larger_than_the_limit_is_refused(codec: Codec) -> None:
    with pytest.raises(TooLarge):
        inflate(COMPRESSORS[codec](RAW), codec, len(RAW) - 1)


def test_a_bomb_is_refused_at_the_limit() -> None:
    with pytest.raises(TooLarge):
        inflate(raw_deflate(bytes(200_000_000)), "deflate", 1_000_000)


@pytest.mark.parametrize(
    "elements",
    [
        [],
        [b"1", b'"a,b]"', b"[2, [3]]", b'{"a": [ ]}'],
        [b'"\\ud83d"', b'{"\\uD83D":"\\\\ud83d"}', b'"\\\\\\ude00"', b'"\xc3\xbe n"'],
    ],
    ids=["none", "each kind", "lone surrogates"],
)
@pytest.mark.parametrize("comma", [b",", b" ,\n\t"])
def test_an_array_is_cut_into_the_exact_bytes_of_its_elements(
    elements: list[bytes], comma: bytes
) -> None:
    assert split_events(b" [ " + comma.join(elements) + b" ] ") == elements

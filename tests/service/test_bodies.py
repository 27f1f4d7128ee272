"""Bodies of answers: decoded within bounds, or refused with a reason."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.service.bodies import BODY_BYTES, END_BYTES, Kept, decode, unpacked

SID = b"EX" + b"ab" * 16
PLAIN = b'{"sid": "%s"}' % SID
BOMB = gzip.compress(bytes(100 * BODY_BYTES))


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_is_as_received(encoding):
    """Even one that looks compressed."""
    assert decode(BOMB, encoding) == (BOMB, "")


@given(st.binary(max_size=1000))
def test_a_body_that_a_proxy_compressed_is_read(body):
    """The SID in it reached us, though nobody asked for the compression."""
    assert decode(gzip.compress(body), "gzip") == (body, "")
    assert decode(gzip.compress(body), "X-GZIP") == (body, "")
    assert decode(zlib.compress(body), "deflate") == (body, "")


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_garbage_is_no_body(received, encoding):
    """No bytes make an exception, and those that cannot be used stay what they are."""
    body, fault = decode(received, encoding)
    assert not fault or body == received


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,identity", "x" * 50])
def test_an_encoding_that_nobody_asked_for_is_named(encoding):
    """Whoever settles the doubt learns why."""
    assert decode(b"{}", encoding) == (b"{}", f"the body is encoded as {encoding}, which was not asked for")


@pytest.mark.parametrize("received", [BOMB, zlib.compress(bytes(2 * BODY_BYTES))], ids=["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(received):
    """Never more in memory than a body and what it takes to unpack one."""
    tracemalloc.start()
    try:
        assert decode(received, "gzip") == (received, "the body is larger than 1024 KiB")
        assert [len(data) for data in unpacked(received)][1:3] == [BODY_BYTES + 1024, END_BYTES]
        assert tracemalloc.get_traced_memory()[1] < 6 * BODY_BYTES
    finally:
        tracemalloc.stop()


def test_the_largest_body_is_read():
    """The bound is the first size that is refused."""
    assert decode(gzip.compress(bytes(BODY_BYTES)), "gzip") == (bytes(BODY_BYTES), "")
    assert decode(gzip.compress(bytes(BODY_BYTES + 1)), "gzip")[1] != ""


COMPRESSED = {
    "gzip": gzip.compress(PLAIN),
    "zlib": zlib.compress(PLAIN),
    "deflate": zlib.compress(PLAIN)[2:-4],
    "gzip, gzip": gzip.compress(gzip.compress(PLAIN)),
    "two gzip in a row": gzip.compress(b"first") + gzip.compress(PLAIN),
    "cut": gzip.compress(PLAIN)[:-9],
    "damaged": gzip.compress(PLAIN)[:-8] + bytes(8),
    "behind the head of an answer": b"HTTP/1.1 200 OK\r\n\r\n2a\r\n" + gzip.compress(PLAIN),
    "behind another part": b"--a\r\n\x1f\x8b\x08no\r\n--a\r\n" + gzip.compress(PLAIN) + b"\r\n--a--",
    "behind a long start": gzip.compress(b" " * 3 * BODY_BYTES + PLAIN),
}


@pytest.mark.parametrize("received", COMPRESSED.values(), ids=COMPRESSED)
def test_what_is_compressed_is_unpacked_as_far_as_it_goes(received):
    """A SID in it reached us, whatever the label says."""
    assert any(SID in data for data in unpacked(received))


@given(st.binary(max_size=300))
def test_nothing_is_lost_by_unpacking(received):
    """What is not compressed is looked through as it is."""
    assert next(unpacked(received)) == received


@given(st.lists(st.integers(0, 3 * END_BYTES), max_size=30))
@example([BODY_BYTES, 2000])
@example([BODY_BYTES, 1024, 1])
def test_of_what_comes_in_parts_start_and_end_are_kept(sizes):
    """However it is cut into parts."""
    data = b"".join(number.to_bytes(4, "big") for number in range(sum(sizes) // 4 + 1))[: sum(sizes)]
    kept, at = Kept(), 0
    for size in sizes:
        kept.add(data[at : at + size])
        at += size
    assert kept.start == data[: BODY_BYTES + 1024]
    assert kept.end == (data[-END_BYTES:] if len(data) > len(kept.start) else b"")
    assert kept.size_bytes == len(data)

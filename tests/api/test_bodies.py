"""Bodies of answers: decoded within bounds, or refused with a reason."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.bodies import BODY_BYTES, decode

SID = b"EX" + b"ab" * 16
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
    """No bytes make an exception."""
    body, fault = decode(received, encoding)
    assert (body is None) == (fault != "")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,identity", "x" * 50])
def test_an_encoding_that_nobody_asked_for_is_named(encoding):
    """Whoever settles the doubt learns why."""
    assert decode(b"{}", encoding) == (None, f"the body is encoded as {encoding}, which was not asked for")


@pytest.mark.parametrize("received", [BOMB, zlib.compress(bytes(2 * BODY_BYTES))], ids=["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(received):
    """Never more in memory than a body and what it takes to unpack one."""
    tracemalloc.start()
    try:
        assert decode(received, "gzip") == (None, "the body is larger than 1024 KiB")
        assert tracemalloc.get_traced_memory()[1] < 4 * BODY_BYTES
    finally:
        tracemalloc.stop()


def test_the_largest_body_is_read():
    """The bound is the first size that is refused."""
    assert decode(gzip.compress(bytes(BODY_BYTES)), "gzip") == (bytes(BODY_BYTES), "")
    assert decode(gzip.compress(bytes(BODY_BYTES + 1)), "gzip")[0] is None


def test_a_sid_in_a_compressed_body_that_is_cut_is_told():
    """It is no outcome, but a place to look."""
    body, fault = decode(gzip.compress(b'{"sid": "%s"}' % SID)[:-8], "gzip")
    assert body is None
    assert SID.decode() in fault

"""Bodies of answers: read within bounds, used only where they are whole, and kept as far as they came."""

import asyncio
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, cast

import httpx

from reconciler.model.outside_text import tamed

BODY_BYTES: Final = 1024 * 1024
END_BYTES: Final = 64 * 1024

_READ_BYTES: Final = 4 * BODY_BYTES
_START_BYTES: Final = BODY_BYTES + 1024  # what begins in the first MiB is whole
_STEP_BYTES: Final = 1024  # which become a MiB at most
_LAYERS: Final = 3
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_FORMS: Final = (_GZIP_OR_ZLIB, -zlib.MAX_WBITS)  # the second is deflate without zlib's frame
_GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_PARTS: Final = 4
_OPAQUE_BYTES: Final = 64 * 1024
_CONTROLS: Final = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_TOO_LARGE: Final = f"the body is larger than {BODY_BYTES // 1024} KiB"


class Kept:
    """Bytes that come in parts: the first MiB and a little, and the last 64 KiB where there are more."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._start = bytearray()
        self.end = b""  # the last bytes; empty where all are in `start`

    def add(self, part: bytes) -> None:
        """Take `part`, which came next."""
        self.size_bytes += len(part)
        room = _START_BYTES - len(self._start)
        self._start += part[:room]
        if len(part) > room:
            before = self.end or bytes(self._start[-END_BYTES:])
            self.end = (before + part[room:])[-END_BYTES:]

    @property
    def start(self) -> bytes:
        """The first bytes."""
        return bytes(self._start)

    @property
    def is_beyond_reading(self) -> bool:
        """Whether no more is to be taken, since the rest may be endless."""
        return self.size_bytes > _READ_BYTES


async def read_body(response: httpx.Response, kept: Kept, *, within_s: float) -> str:
    """Read the body into `kept`; why it is not whole, or empty where it is.

    The head that came before it still counts, and so does all that is in `kept`.
    """
    try:
        async with asyncio.timeout(within_s):
            # `aiter_raw` looks at each part once more, and does nothing else that is of use here.
            async for part in cast("httpx.AsyncByteStream", response.stream):
                kept.add(part)
                if kept.is_beyond_reading:
                    break
    except Exception as error:  # noqa: BLE001 - as in the client: whatever broke, a status line had arrived
        says = f": {error}" if str(error) else ""
        return f"the body could not be read: {type(error).__name__}{says}"
    return _TOO_LARGE if kept.size_bytes > BODY_BYTES else ""


def decode(received: bytes, encoding: str) -> tuple[bytes, str]:
    """Return what was compressed into `received`, or `received` and why that cannot be said.

    We ask for no encoding, but a proxy may choose one. httpx would decode as many as the header lists, each
    a thousand times larger than the one before; here it is one, and no more of it than a body may be.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return received, ""
        case "gzip" | "x-gzip" | "deflate":
            return _inflate(received)
        case other:
            return received, f"the body is encoded as {tamed(other)}, which was not asked for"


def _inflate(received: bytes) -> tuple[bytes, str]:
    inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = inflating.decompress(received, BODY_BYTES + 1)
    except zlib.error as error:
        return received, f"the body could not be decompressed: {error}"
    if len(body) > BODY_BYTES:
        return received, _TOO_LARGE
    return (body, "") if inflating.eof else (received, "the compressed body is cut short")


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield `data`, and what is compressed into it, up to three times, however it is labelled and cut.

    Around a compressed part may stand what nobody could take apart, such as the head of an odd answer.
    """
    yield data
    for found in islice(_GZIP.finditer(data, 1), _PARTS):
        kept = _unpack(data[found.start() :])
        yield kept.start
        yield kept.end
    for _ in range(_LAYERS):
        kept = _unpack(data)
        if not kept.size_bytes:
            return
        data = kept.start
        yield data
        yield kept.end


def is_opaque(data: bytes) -> bool:
    """Whether `data` is no text and cannot be unpacked, as with brotli: what it says nobody can see."""
    data = data[:_OPAQUE_BYTES]
    for _ in range(_LAYERS):
        if _CONTROLS.search(data.replace(b"\0", b"")) is None:  # text in UTF-16 has zeros
            return False
        try:
            data = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(data, BODY_BYTES)
        except zlib.error:
            return True
    return True


def _unpack(data: bytes) -> Kept:
    """Return what comes out of `data` before it ends, breaks off or turns out to be nothing compressed."""
    kept = Kept()
    for form in _FORMS:
        inflating = zlib.decompressobj(form)
        at = 0
        while at < len(data) and not kept.is_beyond_reading:
            part, before = data[at : at + _STEP_BYTES], inflating.copy()
            try:
                kept.add(inflating.decompress(part))
            except zlib.error:
                _add_until_it_breaks(part, before, kept)
                break
            at += len(part) - len(inflating.unused_data)
            if inflating.eof:  # a second one may follow
                inflating = zlib.decompressobj(form)
        if kept.size_bytes:
            break
    return kept


def _add_until_it_breaks(part: bytes, inflating: "zlib._Decompress", kept: Kept) -> None:
    with suppress(zlib.error):
        for number in range(len(part)):
            kept.add(inflating.decompress(part[number : number + 1]))

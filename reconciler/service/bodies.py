"""Bodies of responses: read up to a limit, and decompressed up to a limit. A partial body is kept too."""

import asyncio
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, cast

import httpx

from reconciler.model.outside_text import tamed
from reconciler.service.redaction import said_by

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
    """Bytes that arrive in parts. Keeps the first MiB (and 1 KiB more), and the last 64 KiB of the rest."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._start = bytearray()
        self.end = b""  # the last bytes; empty if `start` holds all

    def add(self, part: bytes) -> None:
        """Add the next part."""
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
        """Whether to stop reading, since the rest may be endless."""
        return self.size_bytes > _READ_BYTES


async def read_body(response: httpx.Response, kept: Kept, *, within_s: float) -> str:
    """Read the body into `kept`. Return why it is incomplete; empty for a complete body.

    After a failure, the response head and the bytes in `kept` stay valid.
    """
    try:
        async with asyncio.timeout(within_s):
            # `aiter_raw` would only add a second pass over each part.
            async for part in cast("httpx.AsyncByteStream", response.stream):
                kept.add(part)
                if kept.is_beyond_reading:
                    break
    except Exception as error:  # noqa: BLE001 - as in the client: a status line had arrived, whatever failed then
        says = said_by(error)
        return f"the body could not be read: {type(error).__name__}{says and f': {says}'}"
    return _TOO_LARGE if kept.size_bytes > BODY_BYTES else ""


def decode(received: bytes, encoding: str) -> tuple[bytes, str]:
    """Return `received` decompressed and an empty text; on failure, `received` and the reason.

    The client asks for no compression, but a proxy may add it. httpx would undo every encoding that the
    header lists, and each may make the body a thousand times larger. This undoes one, up to the size limit.
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
    """Yield `data`, and `data` decompressed up to three times, whatever its headers say, even if it is cut.

    A compressed part may start inside `data`, for instance after the head of a malformed response.
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
    """Whether `data` is binary and cannot be decompressed, such as brotli, so that its content is unknown."""
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
    """Return `data` decompressed, as far as that works; empty if it is not compressed."""
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

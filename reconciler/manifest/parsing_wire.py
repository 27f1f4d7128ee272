"""What goes over the socket between a process that reads manifests and one that parses for it.

Both run one Python with one copy of this product, and nobody else has the socket, so `marshal` will do.
"""

import marshal
import socket
import struct
from typing import Any, Final, TypeAlias

from reconciler import __version__

READY: Final = f"ready {__version__}"
"""What a worker says first, once it can take batches."""

Told: TypeAlias = list[tuple[bytes, int, bytes | None]]
"""The pieces of a batch: bytes, how far their marks are to be moved, heads (None: that of the one before)."""

_LENGTH: Final = struct.Struct("<Q")


def send(connection: socket.socket, message: Any) -> None:
    """Send `message`, which is made of what `marshal` takes. Raises OSError where the other side is gone."""
    data = marshal.dumps(message)
    connection.sendall(_LENGTH.pack(len(data)))
    connection.sendall(data)


def receive(connection: socket.socket) -> Any | None:
    """The next message; None where there is no further one. Raises OSError where it breaks off."""
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    body = _exactly(connection, _LENGTH.unpack(head)[0])
    if body is None:
        raise ConnectionError("a message broke off")
    return marshal.loads(body)  # noqa: S302 - see above


def _exactly(connection: socket.socket, size: int) -> bytearray | None:
    """The next `size` bytes; None at the end. One call takes them all, so that a busy process waits once."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view, len(view), socket.MSG_WAITALL)
        if count == 0:
            return None
        view = view[count:]
    return data

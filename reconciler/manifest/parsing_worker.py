"""A process that parses texts for another one, which starts it as `python -m`; see `parsing_pool`.

It reads batches of pieces from the socket whose number is its argument and answers each with their parcels,
until the other side closes it. It reads no file, and writes nowhere else.
"""

import gc
import queue
import signal
import socket
import sys
import threading

from reconciler.manifest.parsing_wire import READY, receive, send
from reconciler.manifest.yaml_parcels import Parcel, pack, parse_quietly


def parcels_of(pieces: list[tuple[bytes, int]]) -> list[Parcel | None]:
    """What each of `pieces` holds; None for one in which anything is wrong."""
    parsed = (parse_quietly(data, by) for data, by in pieces)
    return [None if one is None else pack(one) for one in parsed]


def serve(connection: socket.socket) -> None:
    """Answer every batch that comes over `connection`, until it is closed.

    Batches are taken in while others are parsed: the other side may have to hand over one before it can take
    an answer.
    """
    batches: queue.SimpleQueue[list[tuple[bytes, int]] | None] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(connection, batches), daemon=True).start()
    while (pieces := batches.get()) is not None:
        send(connection, parcels_of(pieces))


def _take_in(connection: socket.socket, batches: "queue.SimpleQueue[list[tuple[bytes, int]] | None]") -> None:
    try:
        while (batch := receive(connection)) is not None:
            batches.put(batch)
    except OSError:
        pass
    batches.put(None)


def main() -> None:
    """Serve the process that started this one; it alone decides when to stop, also after a ^C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # trees without cycles, each of which is gone once it is sent
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        try:
            send(connection, READY)
            serve(connection)
        except OSError:
            return  # the other side is gone


if __name__ == "__main__":
    main()

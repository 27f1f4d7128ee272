"""A process that reads texts for another one, which starts it as `python -m`; see `parsing_pool`.

It reads batches of pieces from the socket whose number is its argument and answers each with their parcels,
until the other side closes it. It reads no file, and writes nowhere else.
"""

import gc
import queue
import signal
import socket
import sys
import threading

from reconciler.manifest.parsing_wire import READY, Told, receive, send
from reconciler.manifest.reading_ahead import Parts, ReadingAhead
from reconciler.manifest.yaml_parcels import Piece, pack


def serve(connection: socket.socket) -> None:
    """Answer every batch that comes over `connection`, until it is closed; what to know comes before them.

    Batches are taken in while others are read: the other side may have to hand over one before it can take
    an answer.
    """
    parts: Parts | None = receive(connection)
    reading, head = ReadingAhead.of(parts), b""
    batches: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(connection, batches), daemon=True).start()
    while (told := batches.get()) is not None:
        pieces = []
        for data, by, new_head in told:
            head = head if new_head is None else new_head
            pieces.append(Piece(data, head=head, moved_by=by))
        parcels = [None if parsed is None else pack(parsed) for parsed in reading.read(pieces)]
        send(connection, parcels)


def _take_in(connection: socket.socket, batches: "queue.SimpleQueue[Told | None]") -> None:
    try:
        while (batch := receive(connection)) is not None:
            batches.put(batch)
    except OSError:
        pass
    batches.put(None)


def main() -> None:
    """Serve the process that started this one; it alone decides when to stop, also after a ^C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # values without cycles, each of which is gone once it is sent
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        try:
            send(connection, READY)
            serve(connection)
        except OSError:
            return  # the other side is gone


if __name__ == "__main__":
    main()

"""Several processes that read texts, ahead of who wants them in order.

Workers are plain processes of this same Python, started afresh and never forked, so that neither threads nor
an event loop of the caller are carried over. They take batches from the front, and whoever waits for a batch
parses one from the back in the meantime. What a worker does not answer, because it could not be started or
died, is parsed here: what comes out is the same whatever the number of workers.
"""

import contextlib
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from msgspec import Struct, field

from reconciler.manifest.parsing_wire import READY, Told, receive, send
from reconciler.manifest.reading_ahead import ReadingAhead
from reconciler.manifest.yaml_parcels import Parcel, Parsed, Piece, unpack

_WORKER: Final = "reconciler.manifest.parsing_worker"
_AHEAD: Final = 2
"""Batches that a worker has at once, so that it need not wait for the next one."""
_PATIENCE_S: Final = 60.0
"""How long a worker may take for a batch, which is parsed in a fraction of a second."""


class _Batch(Struct, eq=False):
    """Pieces that are parsed together; `parcels` or `parsed` is there once they are."""

    pieces: Sequence[Piece]
    parcels: list[Parcel | None] | None = None
    parsed: list[Parsed | None] | None = None

    @property
    def is_done(self) -> bool:
        return self.parcels is not None or self.parsed is not None

    def take(self) -> list[Parsed | None]:
        """What the pieces hold, which is forgotten here."""
        parsed, parcels = self.parsed, self.parcels
        self.parsed = self.parcels = None
        if parsed is not None:
            return parsed
        return [None if parcel is None else _unpacked(parcel) for parcel in parcels or ()]

    def parse(self, reading: ReadingAhead) -> None:
        """Read the pieces here."""
        self.parsed = reading.read(self.pieces)


class Pool(Struct):
    """Reads `batches` by `workers` further processes; for a `with`, which ends with all of them gone."""

    batches: Sequence[Sequence[Piece]]
    workers: int
    reading: ReadingAhead
    _all: list[_Batch] = field(default_factory=list)
    _open: deque[_Batch] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._all = [_Batch(pieces) for pieces in self.batches]
        self._open = deque(self._all)
        for _ in range(self.workers):
            connection = self._start()
            if connection is not None:
                threading.Thread(target=self._employ, args=(connection,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for process in self._processes:
            process.wait()

    def results(self) -> Iterator[Parsed | None]:
        """What each piece holds, in order; None for one in which anything is wrong."""
        for batch in self._all:
            while not batch.is_done:
                own = self._claim_for_here(batch)
                if own is None:
                    self._wait_for(batch)
                else:
                    own.parse(self.reading)
            yield from batch.take()

    def _claim_for_here(self, wanted: _Batch) -> _Batch | None:
        """A batch that nobody has begun: the wanted one or else the last; None where there is none."""
        with self._changed:
            if not self._open:
                return None
            if self._open[0] is wanted:
                return self._open.popleft()
            return self._open.pop()

    def _wait_for(self, batch: _Batch) -> None:
        """Return when `batch` is done, or was given back by a worker that is gone."""
        with self._changed:
            if not self._changed.wait_for(lambda: batch.is_done or bool(self._open), timeout=_PATIENCE_S):
                for process in self._processes:  # stopped, or worse: its batches come back
                    process.kill()

    def _start(self) -> socket.socket | None:
        """A connection to a new worker; None where it cannot be had."""
        ours, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(  # noqa: S603 - this Python, this module
                # -P: what lies in the working directory, perhaps a stranger's, is not imported
                [sys.executable, "-P", "-m", _WORKER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        except OSError:
            ours.close()
            return None
        finally:
            theirs.close()
        self._processes.append(process)
        self._sockets.append(ours)
        return ours

    def _employ(self, connection: socket.socket) -> None:
        """Have a worker parse batches for as long as there are any that nobody has begun.

        It gets none before it is ready: meanwhile, which may be long on a busy machine, they are parsed here.
        """
        begun: deque[_Batch] = deque()
        desk = _Desk(connection)
        try:
            if receive(connection) != READY:
                return
            send(connection, self.reading.parts)
            while self._hand_over(desk, begun):
                parcels = receive(connection)
                if parcels is None:
                    break
                with self._changed:
                    begun.popleft().parcels = parcels
                    self._changed.notify_all()
        except (OSError, ValueError, EOFError, TypeError):
            pass  # it is gone: what it had begun is given back
        with self._changed:
            self._open.extendleft(reversed(begun))
            self._changed.notify_all()

    def _hand_over(self, desk: "_Desk", begun: deque[_Batch]) -> bool:
        """Whether the worker has something to do, once it has been given what it may have at once."""
        while len(begun) < _AHEAD:
            with self._changed:
                if not self._open:
                    break
                batch = self._open.popleft()
                begun.append(batch)
            desk.hand_over(batch.pieces)
        return bool(begun)


class _Desk(Struct):
    """Where a worker gets its batches; a head that it has already is not sent again."""

    connection: socket.socket
    _head: bytes = b""

    def hand_over(self, pieces: Sequence[Piece]) -> None:
        """Send `pieces`. Raises OSError."""
        told: Told = []
        for piece in pieces:
            told.append((piece.data, piece.by, None if piece.head == self._head else piece.head))
            self._head = piece.head
        send(self.connection, told)


def _unpacked(parcel: Parcel) -> Parsed | None:
    """What `parcel` holds; None where a worker of another build made it, because of an update meanwhile."""
    try:
        return unpack(parcel)
    except (TypeError, ValueError):
        return None

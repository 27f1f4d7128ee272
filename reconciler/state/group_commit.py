"""Group commit: appends that wait at one time share one durable write.

No append returns before its record is durable. Outcomes are also kept on the disk of this machine, until the
store certainly has them.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.model.errors import StateUnavailable
from reconciler.model.records import IntentRecord, Record
from reconciler.state.log_format import encode_records
from reconciler.state.session import Session

_Batch = list[tuple[Record, asyncio.Future[None]]]


class RecoveryJournal:
    """Keeps outcomes on this machine. A disk that fails does not fail the run.

    `append` puts bytes durably at the end of a file. It raises OSError if they may be missing; the next
    append drops them then. `failure` is the last error of the disk; None if all outcomes were kept. `is_owed`
    is True if the store may lack an outcome.
    """

    def __init__(self, append: Callable[[bytes], object]) -> None:
        self._append = append
        self._kept = 0
        self.failure: OSError | None = None
        self.is_owed = False

    @property
    def is_empty(self) -> bool:
        """Whether no outcome is kept here."""
        return self._kept == 0

    def concerns(self, records: Iterable[Record]) -> bool:
        """Return whether there are outcomes among `records`."""
        return any(not isinstance(record, IntentRecord) for record in records)

    def keep(self, records: Iterable[Record]) -> None:
        """Make the outcomes among `records` durable on this machine, or set `failure`."""
        outcomes = [record for record in records if not isinstance(record, IntentRecord)]
        if not outcomes:
            return
        try:
            self._append(encode_records(outcomes, after=self._kept))
        except OSError as error:
            self.failure = error
        else:
            self._kept += len(outcomes)

    def owe(self, records: Iterable[Record]) -> None:
        """Note that the store may lack the outcomes among `records`."""
        self.is_owed = self.is_owed or self.concerns(records)


class GroupCommit:
    """A log whose appends share writes; implements `ports.Log`.

    If a batch fails, every append in it fails, and the next batch is written in its place. Outcomes also go
    to `recovery`, if there is one, and an append waits for both writes, which run side by side. Each kind of
    write has a thread of its own, so that none waits behind name look-ups of connections.
    """

    def __init__(self, session: Session, *, recovery: RecoveryJournal | None = None) -> None:
        self._session = session
        self._recovery = recovery
        self._waiting: _Batch = []
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log")
        self._recovery_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recovery")

    async def append(self, record: Record) -> None:
        """Return once `record` is durable. Raises StateUnavailable if it may not be."""
        durable = asyncio.get_running_loop().create_future()
        self._waiting.append((record, durable))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_batches())
        await durable

    async def close(self) -> None:
        """Return once nothing is being written; nothing can be appended any more."""
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()
        self._recovery_thread.shutdown()

    async def _write_batches(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # let ready appends join this write
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writer = None

    async def _write(self, batch: _Batch) -> None:
        records = [record for record, _ in batch]
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store, records)
        except RuntimeError as error:  # no thread to write with
            if self._recovery is not None:
                self._recovery.keep(records)
            self._fail(batch, self._unwritable(error))
            return
        except Exception as error:  # noqa: BLE001 - no append may wait for ever
            self._fail(batch, error)
            return
        for _, durable in batch:
            if not durable.done():
                durable.set_result(None)

    def _store(self, records: list[Record]) -> None:
        kept = self._begin_to_keep(records)
        try:
            self._session.append(records)
        finally:
            if kept is not None:
                kept.result()

    def _begin_to_keep(self, records: list[Record]) -> Future[None] | None:
        """Begin to keep outcomes on this machine; return the future to wait for, or None if there is none."""
        if self._recovery is None or not self._recovery.concerns(records):
            return None
        try:
            return self._recovery_thread.submit(self._recovery.keep, records)
        except RuntimeError:  # no thread to write with: then one after the other
            self._recovery.keep(records)
            return None

    def _fail(self, batch: _Batch, error: Exception) -> None:
        if self._recovery is not None:
            self._recovery.owe(record for record, _ in batch)
        for _, durable in batch:
            if not durable.done():
                durable.set_exception(error)

    def _unwritable(self, error: RuntimeError) -> StateUnavailable:
        location = self._session.location
        return StateUnavailable(
            f"cannot write the log of {location}: {error}",
            hint="Raise the limit on threads or processes that this run is under.",
            location=location,
        )

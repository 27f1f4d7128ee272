"""Group commit: appends that wait at one time share one durable write.

No append returns before its record is durable. Records of a store elsewhere are also kept on the disk of this
machine, until the store certainly has them.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread

from reconciler.model.errors import OutcomeUnknown, StateError
from reconciler.model.records import Record
from reconciler.ports import Clock, Stopwatch
from reconciler.state.recovery_file import RecoveryFile
from reconciler.state.session import Session

_Batch = list[tuple[Record, asyncio.Future[Stopwatch]]]


class GroupCommit:
    """A log whose appends share writes; implements `ports.Log`.

    If a batch fails, every append in it fails, and the next batch is written in its place. Outcomes are kept
    in `recovery` first, if there is one. The store is called in threads that do not keep the process from
    exiting, so that a run can end although a call hangs.
    """

    def __init__(self, session: Session, *, clock: Clock, recovery: RecoveryFile | None = None) -> None:
        self._session = session
        self._clock = clock
        self._recovery = recovery
        self._waiting: _Batch = []
        self._writer: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[BaseException | None] | None = None
        self._is_given_up = False

    async def append(self, record: Record) -> Stopwatch:
        """Make `record` durable. Return a stopwatch that was started before the write. Raises StateError."""
        durable: asyncio.Future[Stopwatch] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, durable))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_batches())
        return await durable

    async def finish(self) -> StateError | None:
        """Fold the log into the snapshot and release the lock, once nothing is being written.

        Return why the log could not be folded; it stays for the next run then.
        """
        if self._writer is not None:
            await self._writer
        try:
            await self._call(self._session.finish)
        except StateError as error:
            with suppress(StateError):
                await self._call(self._session.close)
            return error
        return None

    def give_up(self) -> None:
        """Wait no longer for a call that hangs: it fails, and so does every other from now on."""
        self._is_given_up = True
        self._session.abandon()
        if self._ended is not None:
            _settle(self._ended, self._unanswered())

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
        age_s = self._clock.stopwatch()
        try:
            await self._call(partial(self._store, records))
        except StateError as error:
            if self._recovery is not None:
                self._recovery.owe(records)
            for _, durable in batch:
                if not durable.done():
                    durable.set_exception(error)
        else:
            for _, durable in batch:
                if not durable.done():
                    durable.set_result(age_s)

    def _store(self, records: Sequence[Record]) -> None:
        if self._recovery is not None:
            self._recovery.keep_outcomes(records)
        self._session.append(records)
        if self._recovery is not None and not self._is_given_up:
            self._recovery.keep_intents(records)

    async def _call(self, call: Callable[[], object]) -> None:
        """Make `call` in a thread. Raises StateError, whatever it raises, or once `give_up` is called."""
        if self._is_given_up:
            raise self._unanswered()
        loop = asyncio.get_running_loop()
        self._ended = ended = loop.create_future()

        def run() -> None:
            error = None
            try:
                call()
            except BaseException as caught:  # noqa: BLE001 - no append may wait for ever
                error = caught
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, ended, error)

        try:
            Thread(target=run, name="log", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            run()
        error = await ended
        if isinstance(error, StateError):
            raise error
        if error is not None:
            raise self._failed(error) from error

    def _unanswered(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._session.location} has not answered since this run was stopped",
            hint="Its lock may still be held: `reconciler unlock` shows by whom, and how to break it.",
        )

    def _failed(self, error: BaseException) -> OutcomeUnknown:
        """Return the error for one that is not of this product; its text may hold a secret."""
        return OutcomeUnknown(
            f"the store of {self._session.location} failed with {type(error).__name__}",
            hint="It may have the change or not. Check that the store works, then run `reconciler plan`.",
        )


def _settle(ended: asyncio.Future[BaseException | None], error: BaseException | None) -> None:
    if not ended.done():
        ended.set_result(error)

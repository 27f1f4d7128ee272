"""Stopping a run: the first request lets creates in flight finish, the second abandons them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

_PATIENCE_S: Final = 10.0


class Interrupted(KeyboardInterrupt):
    """The signal `signal_number` asked to stop before any create could be in flight."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


class Stopping:
    """Requests to stop: the command line passes signals in, and the executor looks before each create.

    After the first request no new create begins, and those in flight end. The second abandons these as well;
    ten seconds later `give_up` is called, for a store that has not taken their outcomes by then may hang.
    """

    def __init__(self) -> None:
        self.give_up: Callable[[], object] = lambda: None
        self._draining = asyncio.Event()
        self._is_abandoned = False
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.signal_number: int | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let signals stop the run on `loop` from now on."""
        self._loop = loop

    def request_by_signal(self, signal_number: int) -> None:
        """Pass a signal on to the run. Raises Interrupted before a run is attached."""
        if self._loop is None:
            raise Interrupted(signal_number)
        if not self._loop.is_closed():  # the run is over
            self._loop.call_soon_threadsafe(self.request, signal_number)

    def request(self, signal_number: int) -> None:
        """Drain on the first call, abandon on the second."""
        if self._draining.is_set():
            self._is_abandoned = True
            asyncio.get_running_loop().call_later(_PATIENCE_S, self.give_up)
            for task in self._in_flight:
                task.cancel()
        self.signal_number = signal_number
        self._draining.set()

    @property
    def is_draining(self) -> bool:
        """Whether no new create may begin."""
        return self._draining.is_set()

    @property
    def is_abandoned(self) -> bool:
        """Whether creates in flight are abandoned."""
        return self._is_abandoned

    async def unless_abandoned(self, work: Coroutine[object, object, T], otherwise: T) -> T:
        """Return the result of `work`; if the run is abandoned first, cancel it and return `otherwise`."""
        if self._is_abandoned:
            work.close()
            return otherwise
        task = cast("asyncio.Task[Any]", asyncio.current_task())  # a coroutine runs in a task
        self._in_flight.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            if not self.is_abandoned:
                raise
            task.uncancel()
            return otherwise
        finally:
            self._in_flight.discard(task)

    async def unless_draining(self, work: Coroutine[object, object, T], otherwise: T) -> T:
        """Return the result of `work`; if a stop is requested first, cancel it and return `otherwise`."""
        working = asyncio.create_task(work)
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait({working, draining}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else otherwise
        finally:
            working.cancel()
            draining.cancel()
            await asyncio.gather(working, draining, return_exceptions=True)

"""Wrappers around any store: retries, a limit on the time of each call, and a log for developers.

A store makes one attempt per call, and may raise anything. `guard_store` puts these around it, in this order:

    RetryingStore   repeats what may be repeated
    LoggedStore     notes each attempt
    BoundedStore    ends each attempt in time, with an error of this product
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Final, NoReturn, TypeVar

from reconciler.model.errors import OutcomeUnknown, ReconcilerError, StateUnavailable, class_and_line
from reconciler.ports import HasServerLock, Head, KeepsCopies, Store, Stored, Watches

_T = TypeVar("_T")

_APPEND: Final = "append"
_REPLACE: Final = "replace"
_CHANGES: Final = frozenset({_APPEND, _REPLACE})

_PAUSES_S: Final = (0.2, 0.4, 0.8, 1.6)
_PATIENCE_S: Final = 60.0
LIMIT_S: Final = 300.0
"""For a call to a store elsewhere, whose own time limits end it long before."""

_LOG: Final = logging.getLogger("reconciler.stores")


def guard_store(store: Store, *, limit_s: float | None) -> Store:
    """Return `store` with the wrappers of this module around it; `limit_s` is that of BoundedStore."""
    return RetryingStore(LoggedStore(BoundedStore(store, limit_s=limit_s)))


class StoreWrapper:
    """A store around `inner`: implements `Store`, `KeepsCopies`, and what else of `ports` `inner` does.

    It passes every call on through `_call`. If `inner` keeps no copies, neither does this.
    """

    is_undisturbed: Callable[[], bool]
    """That of `inner`, without `_call`, as it takes microseconds. Missing if `inner` cannot watch."""

    release: Callable[[str], str | None]
    """That of `inner`. Missing if `inner` has none."""

    server_lock: Callable[[], str | None]
    """That of `inner`. Missing if `inner` has none."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        if isinstance(inner, Watches):
            self.is_undisturbed = inner.is_undisturbed
        if isinstance(inner, HasServerLock):
            self.release = lambda lock_id: self._call("release", partial(inner.release, lock_id))
            self.server_lock = lambda: self._call("server_lock", inner.server_lock)

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""
        return self._inner.location

    def load(self) -> Stored | None:
        """Load as `inner` does."""
        return self._call("load", self._inner.load)

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:
        """Append as `inner` does."""
        return self._call(_APPEND, partial(self._inner.append, records, at=at, note=note))

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:
        """Replace as `inner` does."""
        return self._call(_REPLACE, partial(self._inner.replace, snapshot, log, at=at, note=note))

    def has_ended(self, lock_id: str) -> bool:
        """Return what `inner` knows."""
        return self._call("has_ended", partial(self._inner.has_ended, lock_id))

    def keep_backup(self, snapshot: bytes) -> str | None:
        """Keep `snapshot` if `inner` keeps copies; otherwise return None."""
        if not isinstance(self._inner, KeepsCopies):
            return None
        return self._call("keep_backup", partial(self._inner.keep_backup, snapshot))

    def backup(self) -> bytes | None:
        """Return the last backup of `inner`; None if it has none or keeps no copies."""
        return self._call("backup", self._inner.backup) if isinstance(self._inner, KeepsCopies) else None

    def earlier(self, version: str) -> bytes | None:
        """Return an earlier snapshot of `inner`; None if it has none or keeps no copies."""
        if not isinstance(self._inner, KeepsCopies):
            return None
        return self._call("earlier", partial(self._inner.earlier, version))

    def _call(self, name: str, call: Callable[[], _T]) -> _T:  # noqa: ARG002 - for wrappers that override it
        """Return what `call` returns, which calls the method `name` of `inner`."""
        return call()


class RetryingStore(StoreWrapper):
    """Repeats a call after StateUnavailable with `retry_after_s`: at most five tries in a minute.

    A change whose outcome is unknown is not repeated: only the caller can tell whether it was made.
    """

    def __init__(
        self,
        inner: Store,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(inner)
        self._monotonic_s = monotonic_s
        self._sleep = sleep

    def _call(self, name: str, call: Callable[[], _T]) -> _T:
        deadline_s = self._monotonic_s() + _PATIENCE_S
        for pause_s in _PAUSES_S:
            try:
                return call()
            except StateUnavailable as error:
                is_final = name in _CHANGES and isinstance(error, OutcomeUnknown)
                if is_final or error.retry_after_s is None:
                    raise
                wait_s = max(pause_s, error.retry_after_s)
                if self._monotonic_s() + wait_s > deadline_s:
                    raise
            self._sleep(wait_s)
        return call()


class LoggedStore(StoreWrapper):
    """Logs each call for developers, at debug level: its method, time and outcome, and no content."""

    def _call(self, name: str, call: Callable[[], _T]) -> _T:
        begun_s, outcome = time.monotonic(), "done"
        try:
            return call()
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            took_ms = 1000 * (time.monotonic() - begun_s)
            _LOG.debug("%s (%s): %s after %.1f ms", name, self.location, outcome, took_ms)


class BoundedStore(StoreWrapper):
    """Ends each call within `limit_s`, and lets only errors of this product through.

    Calls are made one after the other, each in a thread that does not keep the process from exiting. After a
    call that hangs, later ones fail at once until it has returned. If `limit_s` is None, they are made in the
    caller's thread, without a limit.
    """

    def __init__(self, inner: Store, *, limit_s: float | None) -> None:
        super().__init__(inner)
        self._limit_s = limit_s
        self._last = Thread()
        self._last_deadline_s = 0.0

    def _call(self, name: str, call: Callable[[], _T]) -> _T:
        kind = OutcomeUnknown if name in _CHANGES else StateUnavailable
        if self._limit_s is None:
            try:
                return call()
            except Exception as error:  # noqa: BLE001 - whatever a store raises
                self._raise(error, kind)
        results: list[_T] = []
        errors: list[BaseException] = []

        def attempt() -> None:
            try:
                results.append(call())
            except BaseException as error:  # noqa: BLE001 - some libraries derive their errors from it
                errors.append(error)

        self._start(Thread(target=attempt, name=f"store {name}", daemon=True), self._limit_s)
        self._last.join(self._limit_s)
        if errors:
            self._raise(errors[0], kind)
        if not results:
            raise self._failure(kind, f"has not answered within {self._limit_s:g} s")
        return results[0]

    def _start(self, thread: Thread, limit_s: float) -> None:
        """Start `thread` when the last one has ended. Raises StateUnavailable if it cannot be started."""
        if self._last.ident is not None:
            self._last.join(max(0.0, self._last_deadline_s - time.monotonic()))  # an interrupt can leave one
        if self._last.is_alive():
            raise self._failure(StateUnavailable, "still hangs in an earlier call")
        try:
            thread.start()
        except Exception as error:  # noqa: BLE001 - no thread is left, or no memory
            self._raise(error, StateUnavailable)
        self._last, self._last_deadline_s = thread, time.monotonic() + limit_s

    def _raise(self, error: BaseException, kind: type[StateUnavailable]) -> NoReturn:
        if isinstance(error, ReconcilerError):
            raise error
        raise self._failure(kind, f"failed with {class_and_line(error)}") from error

    def _failure(self, kind: type[StateUnavailable], what: str) -> StateUnavailable:
        is_known = kind is not OutcomeUnknown
        return kind(
            f"the store of {self.location} {what}",
            hint=("Nothing was changed. " if is_known else "The change may have been made or not. ")
            + "Check that the store works, then run `reconciler plan`.",
        )

"""Signals that stop a command, none of them in the midst of an import.

What a signal's handler raises strikes wherever Python is just then. Compiled modules do not expect it of the
modules that they load: at the wrong moment of an import one ends the process with a fault of memory, and
another is left half loaded for whoever needs it to say what happened.
"""

import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Final, NoReturn

_IMPORTING: Final = "<frozen importlib"
"""How the names of the files begin in which Python's own import is written."""
_RETRY_S: Final = 0.005
_MOST_S: Final = 2.0
"""How long an import is waited for. One that takes longer, of a plug-in that waits, say, can be cut off."""


def on_signals(numbers: Iterable[int], act: Callable[[int], object]) -> None:
    """From now on each of the signals has `act` called with its number, once no import is under way.

    Also takes SIGALRM, by which it looks again while an import goes on.
    """
    waiting_since: dict[int, float] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if _is_importing(frame) and now - waiting_since.setdefault(number, now) < _MOST_S:
            signal.setitimer(signal.ITIMER_REAL, _RETRY_S)
            return
        waiting_since.pop(number, None)
        act(number)

    def look_again(_: int, frame: FrameType | None) -> None:
        for number in [*waiting_since]:
            handle(number, frame)

    signal.signal(signal.SIGALRM, look_again)
    for number in numbers:
        signal.signal(number, handle)


def raise_interrupts() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, but in no import. Whoever ignores it goes on to do so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        on_signals([signal.SIGINT], _interrupt)


def drop_interrupts() -> None:
    """From now on Ctrl-C ends the process as one that knows nothing of signals; none waits any more."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(_: int) -> NoReturn:
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False

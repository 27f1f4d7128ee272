"""Signals that stop a command, none of them in the midst of an import.

What a signal's handler raises strikes wherever Python is just then. Compiled modules do not expect it of the
modules that they load: at the wrong moment of an import one ends the process with a fault of memory, and
another is left half loaded for whoever needs it to say what happened. So a signal waits for the import.
"""

import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Final, NoReturn, TypeAlias

Act: TypeAlias = Callable[[int], object]

_IMPORTING: Final = "<frozen importlib"
"""How the names of the files begin in which Python's own import is written."""
_RETRY_S: Final = 0.005
_MOST_S: Final = 2.0
"""How long an import is waited for. One that takes longer, of a plug-in that waits, say, can be cut off."""

_acts: Final[dict[int, Act]] = {}
"""What is to happen on a signal, by its number."""
_waiting: Final[dict[int, float]] = {}
"""Since when a signal waits for an import to end, by its number."""


def on_signals(numbers: Iterable[int], act: Act) -> None:
    """From now on each of the signals has `act` called with its number, once no import is under way.

    So has one that waits already. A signal that is ignored, as `nohup` has it, goes on to be.
    """
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            _acts[number] = act
            signal.signal(number, _heed)
    act_on_waiting()


def act_on_waiting() -> None:
    """Have each signal that waits do what it is to do: no import is under way here."""
    for number in [*_waiting]:
        _heed(number, None)


def raise_interrupts() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, but in no import."""
    on_signals([signal.SIGINT], _interrupt)


def drop_interrupts() -> None:
    """From now on Ctrl-C ends the process as one that knows nothing of signals; none waits any more.

    A signal that was given something else to do than to raise does nothing: what it is about is over, and the
    exit code stands.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    _waiting.clear()
    for number, act in _acts.items():
        signal.signal(number, signal.SIG_DFL if act is _interrupt else signal.SIG_IGN)


def _heed(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _is_importing(frame) and now - _waiting.setdefault(number, now) < _MOST_S:
        _look_again_soon()
        return
    _waiting.pop(number, None)
    _acts[number](number)


def _look_again_soon() -> None:
    signal.signal(signal.SIGALRM, _look_again)
    signal.setitimer(signal.ITIMER_REAL, _RETRY_S)


def _look_again(_: int, frame: FrameType | None) -> None:
    try:
        for number in [*_waiting]:
            _heed(number, frame)
    finally:
        if _waiting:  # one that came before it has raised
            _look_again_soon()


def _interrupt(_: int) -> NoReturn:
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False

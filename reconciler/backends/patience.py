"""Waiting: for a lock that another run holds, and before another try of a call that failed for a moment."""

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

_Taken = TypeVar("_Taken")

_GROWTH: Final = 1.5
PAUSES_S: Final = (0.5, 2.0)
"""How long to wait before each further try of a call."""


def wait_for(
    take: Callable[[], _Taken | None],
    *,
    timeout_s: float,
    first_pause_s: float = 0.1,
    longest_pause_s: float = 1.0,
) -> _Taken | None:
    """Call `take` until it returns something, and return that; None once `timeout_s` have passed."""
    deadline_s = time.monotonic() + timeout_s
    pause_s = first_pause_s
    while (taken := take()) is None:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            return None
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * _GROWTH, longest_pause_s)
    return taken


def tries() -> Iterator[bool]:
    """Give for each try of a call whether another one may follow, and pause before that one."""
    for pause_s in PAUSES_S:
        yield True
        time.sleep(pause_s)
    yield False

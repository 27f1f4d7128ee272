"""Fault points: steps at which tests can kill the process or make a system call fail. For tests only.

Without the environment variable RECONCILER_FAULT, `reach` does nothing. With it, the process is killed or the
system call fails at the named step. Its value is `STEP=ACTION[@N]`, several separated by commas, as in
`intent-durable=kill@3,log-write=short`. The action happens when the step is reached for the Nth time; the
default is 1. A step's name is that of its member of `Step`, in lower case and with hyphens. An invalid value
ends the process with exit code 1 and a line on standard error, so that no test passes without its fault.
May import: the standard library.
"""

import errno
import os
import re
import signal
import time
from collections import Counter
from enum import Enum
from functools import cache
from typing import Final, assert_never

VARIABLE: Final = "RECONCILER_FAULT"

_SLOW_S: Final = 0.5
_NTH: Final = re.compile(r"[1-9][0-9]{0,8}")


class Failure(Enum):
    """Ways in which a step can fail."""

    KILL = "kill"
    STOP = "stop"
    """The process is stopped until somebody lets it go on (SIGCONT)."""
    ENOSPC = "enospc"
    EIO = "eio"
    SLOW = "slow"
    """The call takes half a second, so that a test sees who does not wait for it."""
    SHORT = "short"
    """Half of the bytes are written, then the disk is full."""
    TORN = "torn"
    """Half of the bytes are written, then the process is killed."""


_MOMENT: Final = frozenset({Failure.KILL, Failure.STOP})
_CALL: Final = _MOMENT | {Failure.ENOSPC, Failure.EIO, Failure.SLOW}
_WRITE: Final = _CALL | {Failure.SHORT, Failure.TORN}


class Step(Enum):
    """Every step of the create protocol and of what keeps state, in about the order of a run.

    A member's value says what is true when the step is reached, and which failures are possible. The process
    can be killed or stopped at every step; before a system call, the call can fail; a write can also stop
    half-way.
    """

    SNAPSHOT_READ = ("the snapshot is about to be read", _CALL)
    LOG_READ = ("the log is about to be read", _CALL)
    LOCK_FOLDER = ("the folder is about to be locked, for one change", _CALL)
    TIDY = ("what killed writers left is about to be removed", _CALL)
    BACKUP_OPEN = ("the backup's scratch file is about to be made", _CALL)
    BACKUP_WRITE = ("the backup's scratch file is empty", _WRITE)
    BACKUP_FLUSH = ("the backup's scratch file is whole, but perhaps not on the disk", _CALL)
    BACKUP_SWAP = ("the new backup is durable under its scratch name", _CALL)
    BACKUP_SWAPPED = ("the new backup is in its place, but its folder is perhaps not on the disk", _CALL)
    SNAPSHOT_OPEN = ("the snapshot's scratch file is about to be made", _CALL)
    SNAPSHOT_WRITE = ("the snapshot's scratch file is empty", _WRITE)
    SNAPSHOT_FLUSH = ("the snapshot's scratch file is whole, but perhaps not on the disk", _CALL)
    SNAPSHOT_SWAP = ("the new snapshot is durable under its scratch name", _CALL)
    SNAPSHOT_SWAPPED = ("the new snapshot is in its place, but its folder is perhaps not on the disk", _CALL)
    SCRATCH_DROP = ("a write failed, and its scratch file is about to be removed", _CALL)
    RECOVERY_OPEN = ("the recovery file is about to be made, and its folder if there is none", _CALL)
    RECOVERY_WRITE = ("a header, intents or outcomes are about to be appended to the recovery file", _WRITE)
    RECOVERY_FLUSH = ("they are appended, but perhaps not on the disk", _CALL)
    RECOVERY_MADE = ("a new recovery file is on the disk, but its folder perhaps not", _CALL)
    LOG_OPEN = ("the scratch file of a new log is about to be made", _CALL)
    LOG_WRITE = ("a new log's scratch file is empty, or records are about to be appended", _WRITE)
    LOG_FLUSH = ("they are written, but perhaps not on the disk", _CALL)
    LOG_SWAP = ("the new log is durable under its scratch name", _CALL)
    LOG_SWAPPED = ("the new log is in its place, but its folder is perhaps not on the disk", _CALL)
    LOG_DROP = ("an append failed, and its half is about to be cut off", _CALL)
    INTENT_DUE = ("an exam's turn has come, and its intent is about to be appended", _MOMENT)
    INTENT_DURABLE = ("an exam's intent is durable, and it is about to be sent", _MOMENT)
    ANSWERED = ("an exam's answer has come, and its outcome is about to be appended", _MOMENT)
    OUTCOME_DURABLE = ("an exam's outcome is durable", _MOMENT)
    FOLD_DUE = ("every outcome is durable, and the log is about to be folded into the snapshot", _MOMENT)
    LOG_CLEAR = ("the snapshot holds what the log held, which is about to be removed", _CALL)
    LOG_CLEARED = ("the log is removed, but its folder is perhaps not on the disk", _CALL)
    RECOVERY_DROP = ("the store has all outcomes, and the recovery file is about to be removed", _CALL)
    STORE_CALL = ("a store elsewhere is about to be asked something", _CALL)
    STORE_CALLED = ("a store elsewhere has done what it was asked, and its answer is about to be read", _CALL)

    def __init__(self, meaning: str, actions: frozenset[Failure]) -> None:
        self.meaning = meaning
        self.actions = actions

    @property
    def spelling(self) -> str:
        """The step's name in RECONCILER_FAULT."""
        return self.name.lower().replace("_", "-")


def _parse(fault: str) -> tuple[tuple[Step, int], Failure]:
    name, _, rest = fault.strip().partition("=")
    verb, at, nth = rest.partition("@")
    step = {step.spelling: step for step in Step}.get(name)
    if step is None:
        raise _mistake(fault, f"unknown step {name!r}; choose from {', '.join(s.spelling for s in Step)}")
    action = next((action for action in step.actions if action.value == verb), None)
    if action is None:
        possible = ", ".join(action.value for action in Failure if action in step.actions)
        raise _mistake(fault, f"at {name} the action must be one of {possible}, not {verb!r}")
    if at and not _NTH.fullmatch(nth):
        raise _mistake(fault, f"the number after @ must be a whole number from 1, not {nth!r}")
    return (step, int(nth or 1)), action


def _mistake(fault: str, problem: str) -> SystemExit:
    return SystemExit(
        f"error: {VARIABLE}: {fault!r}: {problem}\n"
        "  It is for tests of this product: unset it, or write STEP=ACTION[@N]."
    )


def _fail(failure: Failure, descriptor: int, data: bytes) -> None:
    match failure:
        case Failure.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Failure.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        case Failure.ENOSPC:
            raise _os_error(errno.ENOSPC)
        case Failure.EIO:
            raise _os_error(errno.EIO)
        case Failure.SLOW:
            time.sleep(_SLOW_S)
        case Failure.SHORT:
            os.write(descriptor, data[: len(data) // 2])
            raise _os_error(errno.ENOSPC)
        case Failure.TORN:
            os.write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        case _:
            assert_never(failure)


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


_reached: Counter[Step] = Counter()


@cache
def _planned() -> dict[tuple[Step, int], Failure]:
    text = os.environ.get(VARIABLE)
    return dict(map(_parse, text.split(","))) if text else {}


def reach(step: Step, descriptor: int = -1, data: bytes = b"") -> None:
    """Count that `step` is reached, and fail there as planned.

    At a step that writes, `data` is about to be written to `descriptor`.
    """
    if planned := _planned():
        _reached[step] += 1
        if failure := planned.get((step, _reached[step])):
            _fail(failure, descriptor, data)


def are_left() -> bool:
    """Return whether a planned failure has not happened yet."""
    return any(_reached[step] < nth for step, nth in _planned())

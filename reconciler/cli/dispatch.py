"""From arguments to an exit code: finds the command's function and catches what it raises, here only."""

import argparse
import gc
import signal
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from types import FrameType
from typing import Final, cast

from reconciler.cli.exit_codes import FAILED, interrupted_by
from reconciler.cli.notices import tell_error, tell_note, tell_stop
from reconciler.cli.streams import flush_results
from reconciler.model.errors import ReconcilerError

# A command makes many values that live until its end, and hardly a cycle. To look for cycles as often as
# Python does by itself is a tenth of the time of a plan.
_SELDOM = (50_000, 20, 100)

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a run to stop."""


def run(parsed: argparse.Namespace) -> int:
    """Run one command; its exit code."""
    gc.set_threshold(*_SELDOM)
    try:
        return _run(parsed)
    except KeyboardInterrupt as interruption:
        on_signals(STOPPING, signal.SIG_DFL)  # whoever is in a hurry gets less to read
        tell_stop(parsed, "interrupted: nothing more was sent")
        return interrupted_by(interruption)
    except OSError as error:
        return _tell_failure(parsed, error)
    finally:
        flush_results()
        # The process ends now; to look for cycles in what is left takes a tenth of a small command's time.
        gc.freeze()


def on_signals(
    numbers: Iterable[int], act: Callable[[int, FrameType | None], object] | signal.Handlers
) -> None:
    """Have the signals `numbers` call `act` from now on; one that is ignored, as by `nohup`, stays so."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, act)


def _run(parsed: argparse.Namespace) -> int:
    try:
        code = _handler(parsed.handler)(parsed)
        sys.stdout.flush()
    except ReconcilerError as error:
        tell_error(parsed, error)
        return FAILED
    return code


def _tell_failure(parsed: argparse.Namespace, error: OSError) -> int:
    """Tell what the system refused; the exit code, which is the work's if only the telling failed.

    That a reader went away (`| head`) is told to nobody.
    """
    flush_results()
    problem = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    code = getattr(parsed, "ended_with", None)
    if isinstance(error, BrokenPipeError):
        pass
    elif code is None:
        tell_stop(parsed, f"error: {problem}", hint="Check path, permissions and free space.")
    else:
        tell_note(
            parsed,
            problem,
            hint="Only the output failed: the command did its work, and its exit code says how that ended.",
        )
    return FAILED if code is None else code


def _handler(name: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = name.partition(":")
    return cast(
        "Callable[[argparse.Namespace], int]", getattr(import_module(f"reconciler.cli.{module}"), function)
    )

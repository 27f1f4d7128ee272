"""Call the function of a command and turn its result or exception into an exit code.

This is the only place that catches the failures of a command.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, cast

from reconciler.cli.exit_codes import FAILED, interrupted_by
from reconciler.cli.notices import tell_error, tell_note, tell_stop
from reconciler.cli.similar_files import question_about
from reconciler.cli.streams import flush_results
from reconciler.model.errors import ReconcilerError

# A command makes many values that live until its end, and hardly any cycles. Python's own thresholds for
# collecting cycles cost a tenth of the time of a plan.
_SELDOM = (50_000, 20, 100)

STOPPING: Final = tuple(number for number in signal.Signals if number.name in {"SIGINT", "SIGTERM", "SIGHUP"})
"""Signals that ask a run to stop; Windows has no SIGHUP."""


def run(parsed: argparse.Namespace) -> int:
    """Run one command and return its exit code."""
    gc.set_threshold(*_SELDOM)
    try:
        return _run(parsed)
    except KeyboardInterrupt as interruption:
        on_signals(STOPPING, signal.SIG_DFL)  # a second signal ends the process without a message
        tell_stop(parsed, "interrupted: nothing more was sent")
        return interrupted_by(interruption)
    except OSError as error:
        return _tell_failure(parsed, error)
    finally:
        flush_results()
        # The process ends now; a last collection would take a tenth of a small command's time.
        gc.freeze()


def on_signals(
    numbers: Iterable[int], act: Callable[[int, FrameType | None], object] | signal.Handlers
) -> None:
    """Handle the signals `numbers` by `act`, except those that are ignored already, as by `nohup`."""
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
    """Print the failure of a system call; return FAILED, or the exit code of finished work.

    A broken pipe (`| head`) is not reported.
    """
    flush_results()
    problem = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    code = getattr(parsed, "ended_with", None)
    if isinstance(error, BrokenPipeError):
        pass
    elif code is None:
        meant = question_about(Path(error.filename)) if isinstance(error, FileNotFoundError) else ""
        tell_stop(parsed, f"error: {problem}", hint=f"{meant}Check path, permissions and free space.")
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

"""What a command tells beside its results: as text for people, or as lines of JSON.

What is told while a run goes on must neither stop it nor hold it up.
"""

import argparse
import io
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO, cast

from reconciler import host
from reconciler.cli.arguments import error_console, invocation_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.outputs.json.events import JsonLog
from reconciler.outputs.text.console import put
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.errors_text import print_error
from reconciler.outputs.text.progress import LogProgress, QuietProgress, TerminalProgress
from reconciler.ports import Progress

_PATIENCE_S: Final = 5.0


class DetachedStream(io.TextIOBase):
    """Passes text on to `target` from a thread of its own.

    A reader that stopped reading, a full disk or a closed stream costs the text and nothing else.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        # Past the target's own buffer: a thread that hangs in there would keep the interpreter from ending.
        self._descriptor: int | None = target.fileno()
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pass_on, name="detached stream", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take `text`; it is passed on soon."""
        self._texts.put(text)
        return len(text)

    def isatty(self) -> bool:
        """Return whether a person may be watching."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the target, for who asks how wide it is."""
        return self._target.fileno()

    def drain(self) -> None:
        """Return once all is passed on, or after five seconds if a reader does not take it."""
        self._texts.put(None)
        self._thread.join(_PATIENCE_S)

    def _pass_on(self) -> None:
        while (text := self._texts.get()) is not None:
            if self._descriptor is not None and not _is_written(self._descriptor, text):
                self._descriptor = None


def _is_written(descriptor: int, text: str) -> bool:
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:  # full, broken or closed: there is nobody to be told
        return False
    return True


def is_json(parsed: argparse.Namespace) -> bool:
    """Whether every line on standard error is to be JSON."""
    return getattr(parsed, "log_format", "text") == "json"


@contextmanager
def telling(parsed: argparse.Namespace) -> Iterator[Progress]:
    """What a run tells, as it goes; when the context ends, all of it has been told.

    A bar on a terminal, lines in a log, or JSON. Telling never fails and never holds the run up.
    """
    stream = DetachedStream(sys.stderr)
    try:
        yield _progress(parsed, stream)
    finally:
        stream.drain()


def _progress(parsed: argparse.Namespace, stream: DetachedStream) -> Progress:
    if is_json(parsed):
        return JsonLog(stream.write, host.SystemClock().now)
    if parsed.loudness == "quiet":
        return QuietProgress()
    console = error_console(parsed, file=cast("TextIO", stream))
    return TerminalProgress(console) if console.is_terminal else LogProgress(console)


def tell_error(parsed: argparse.Namespace, error: ReconcilerError) -> None:
    """Why the command stopped is told, with all that `error` carries, its commands ready to be copied."""
    if hasattr(parsed, "state"):  # a command that works on one
        invocation_of(parsed).complete_error(error)
    if is_json(parsed):
        _json_log().failed(error)
    else:
        print_error(error, error_console(parsed))


def tell_warnings(parsed: argparse.Namespace, warnings: Sequence[Diagnostic]) -> None:
    """Each warning is told, or lost where nobody reads: no warning stops an apply."""
    if not warnings:
        return
    stream = DetachedStream(sys.stderr)
    if is_json(parsed):
        JsonLog(stream.write, host.SystemClock().now).warned(warnings)
    else:
        print_diagnostics(warnings, error_console(parsed, file=cast("TextIO", stream)))
    stream.drain()


def tell_backup(parsed: argparse.Namespace, place: str) -> None:
    """Where the state before is kept is told."""
    if is_json(parsed):
        _json_log().backed_up(place)
    else:
        put(error_console(parsed), f"The state before is at {place}")


def tell_note(parsed: argparse.Namespace, message: str, *, hint: str) -> None:
    """Something that a person should know, though the command went on, is told."""
    if is_json(parsed):
        _json_log().noted(message, hint=hint)
    else:
        console = error_console(parsed)
        put(console, f"note: {message}")
        put(console, f"  {hint}")


def work_ended(parsed: argparse.Namespace, code: int) -> None:
    """Note that a command's work is done: `code` is its exit code, even if it cannot be told of."""
    parsed.ended_with = code


def tell_stop(parsed: argparse.Namespace, message: str, *, hint: str = "") -> None:
    """Why the command stopped is told."""
    if is_json(parsed):
        _json_log().stopped(message, hint=hint)
    else:
        _write(f"{message}\n  {hint}\n" if hint else f"{message}\n")


def _json_log() -> JsonLog:
    return JsonLog(_write, host.SystemClock().now)


def _write(text: str) -> None:
    sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stderr.flush()


@contextmanager
def streaming(parsed: argparse.Namespace) -> Iterator[JsonLog | None]:
    """Open the stream of events; yield None if another format was asked for.

    An error that ends the run before its report is the last event. A reader that is slow or gone neither
    delays the run nor ends it.
    """
    if parsed.format != "jsonl":
        yield None
        return
    stream = DetachedStream(sys.stdout)
    log = JsonLog(stream.write, host.SystemClock().now)
    try:
        yield log
    except ReconcilerError as error:
        log.failed(error)
        raise
    except OSError as error:
        log.stopped(error.strerror or str(error))
        raise
    except KeyboardInterrupt:
        log.stopped("interrupted: nothing more was sent")
        raise
    finally:
        stream.drain()


class Chorus:
    """Passes each call on to all of `tellers`; stands for a `reconciler.ports.Progress`."""

    def __init__(self, *tellers: Progress) -> None:
        self._tellers = tellers

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a method that calls the one called `name` of each teller."""

        def tell(*values: object) -> None:
            for teller in self._tellers:
                getattr(teller, name)(*values)

        return tell

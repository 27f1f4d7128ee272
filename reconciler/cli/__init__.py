"""The command line: parsing, prompts and exit codes; each command is a few lines over `workspace`.

Promise: no traceback reaches a user, and `--version` and `--help` load nothing but the parser.
May import: the Python API, `outputs`, `model`, `sandbox`, `schemas`, and what stops a run (`applying`).
"""

import atexit
import os
import sys
from collections.abc import Sequence

from reconciler import __version__
from reconciler.cli.streams import flush_results, open_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def process() -> int:
    """Run the command of this process, and end it there if only tidying up is left; else its exit code.

    Tidying up takes a twentieth of a small command's time: memory is given back value by value that goes away
    as a whole. A Ctrl-C that comes before or after a command could tell of it ends the process in silence.
    """
    sys.excepthook = _tell_unless_interrupted
    open_streams()
    given = sys.argv[1:]
    try:
        if not _asks_for_version(given):
            from reconciler.cli.signals import raise_interrupts  # noqa: PLC0415 - `--version` must stay cheap

            raise_interrupts()
        code = main(given)
        if _is_all_done():
            sys.stderr.flush()
            os._exit(code)
    except KeyboardInterrupt as interruption:
        from reconciler.cli.exit_codes import interrupted_by  # noqa: PLC0415 - as above

        code = interrupted_by(interruption)
    from reconciler.cli.exit_codes import SIGNAL_BASE  # noqa: PLC0415 - as above
    from reconciler.cli.signals import drop_interrupts  # noqa: PLC0415 - as above

    drop_interrupts()
    if code > SIGNAL_BASE:
        _drop_complaints()
    return code


def _tell_unless_interrupted(kind: type[BaseException], error: BaseException, trace: "Any") -> None:
    """What Python does with what nobody caught, but that it ends in silence after a Ctrl-C."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def _drop_complaints() -> None:
    """From now on nothing complains that it was begun and is dropped, half made perhaps."""
    import warnings  # noqa: PLC0415 - as above

    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None


def _is_all_done() -> bool:
    """Whether nothing is at work, and nobody asked to be told of the end."""
    is_awaited = atexit._ncallbacks() or sys.gettrace() or sys.getprofile()  # noqa: SLF001 - there is no other way
    return not (is_awaited or _has_threads())


def _has_threads() -> bool:
    """Whether there are threads that Python would wait for."""
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if _asks_for_version(given):  # in a third of the time that the parser takes to say the same
        return _tell_version()
    from reconciler.cli.running import run  # noqa: PLC0415 - importing the package must stay cheap

    return run(given)


def _asks_for_version(given: Sequence[str]) -> bool:
    return [*given] == ["--version"]


def _tell_version() -> int:
    try:
        sys.stdout.write(f"reconciler {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        flush_results()
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"error: {error.strerror}: standard output\n")
        return 1
    return 0

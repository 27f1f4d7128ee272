"""The standard streams of a process: each is there, and none of them ends a command by a traceback."""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def open_streams() -> None:
    """Make all three standard streams usable, whatever the process was started with.

    One that was closed leads nowhere: its number would be that of the next file that is opened, of the state
    perhaps, and what is printed would go there. Standard error drops what it cannot write: it tells of the
    work, and must not end it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is the stream's own
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace")
    out, told = sys.stdout, sys.stderr
    results = _Results(out.fileno(), "w", closefd=False)
    sys.stdout = _text_on(results, out.encoding, line_buffering=bool(out.line_buffering))
    sys.stderr = _text_on(_Heedless(told.fileno(), "w", closefd=False), told.encoding, line_buffering=True)


def _text_on(file: io.FileIO, encoding: str, *, line_buffering: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding, "backslashreplace", line_buffering=line_buffering
    )


class _Results(io.FileIO):
    """Standard output, which is named in the error where it cannot be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = "standard output"
            raise


class _Heedless(io.FileIO):
    """A file that takes all that is written to it, and loses what it cannot keep."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data) or len(memoryview(data))
        except OSError:
            return len(memoryview(data))


def flush_results() -> None:
    """Write all that was printed on standard output; what cannot be written is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try once more when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""What an apply does as a stream of events on standard output, while it does it."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler import host
from reconciler.cli.detached import DetachedStream
from reconciler.model.errors import ReconcilerError
from reconciler.model.plan import Plan
from reconciler.model.report import ExamOutcome, TryBegun, TryEnded
from reconciler.outputs.json_log import JsonLog
from reconciler.ports import Progress


@contextmanager
def streaming(parsed: argparse.Namespace) -> Iterator[JsonLog | None]:
    """Where events go with `--format jsonl`; None with any other format.

    What ends the run before its report is the last event. A reader that is slow or gone neither holds the run
    up nor ends it.
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
    """Tells all of `tellers`; it has the shape of `reconciler.ports.Progress`, and so have they."""

    def __init__(self, *tellers: Progress) -> None:
        self._tellers = tellers

    def planned(self, plan: Plan) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.planned(plan)

    def started(self, total: int) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.started(total)

    def trying(self, begun: TryBegun) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.trying(begun)

    def tried(self, ended: TryEnded) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.tried(ended)

    def settled(self, exam: ExamOutcome) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.settled(exam)

    def waiting(self, seconds: float, reason: str) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.waiting(seconds, reason)

    def finished(self) -> None:
        """All are told."""
        for teller in self._tellers:
            teller.finished()

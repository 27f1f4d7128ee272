"""Events of an apply on standard output, as they happen (`--format jsonl`)."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler import host
from reconciler.cli.detached import DetachedStream
from reconciler.model.errors import ReconcilerError
from reconciler.outputs.json_log import JsonLog
from reconciler.ports import Progress


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

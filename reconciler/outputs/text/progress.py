"""Progress of an apply: a bar on a terminal, plain lines in a log, or nothing.

Each class implements `reconciler.ports.Progress`.
"""

import time
from collections import Counter
from datetime import timedelta
from typing import Final

from reconciler.model.plan import Plan
from reconciler.model.report import ExamOutcome, Outcome, TryBegun, TryEnded
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.text.console import Console, count_of, fitted, put
from reconciler.outputs.text.report_text import label_of

_LONGEST_REASON: Final = 60
_BAR: Final = 20
_QUIET_S: Final = 10.0
_CLEAR_LINE: Final = "\r\x1b[2K"


class QuietProgress:
    """Shows nothing. The other classes override what they show."""

    def planned(self, plan: Plan) -> None:
        """Do nothing."""

    def started(self, total: int) -> None:
        """Do nothing."""

    def trying(self, begun: TryBegun) -> None:
        """Do nothing."""

    def tried(self, ended: TryEnded) -> None:
        """Do nothing."""

    def settled(self, exam: ExamOutcome) -> None:
        """Do nothing."""

    def waiting(self, seconds: float, reason: str) -> None:
        """Do nothing."""

    def finished(self) -> None:
        """Do nothing."""


class _CountingProgress(QuietProgress):
    """Keeps the destination and the number of exams for each outcome."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts: Counter[Outcome] = Counter()
        self._place = ""

    def planned(self, plan: Plan) -> None:
        """Remember the words for the plan's destination."""
        self._place = plan.destination.place


class LogProgress(_CountingProgress):
    """Prints a line at the start, at a pause, and every ten seconds; the report names the exams."""

    _total = 0
    _printed_at_s = 0.0

    def started(self, total: int) -> None:
        """Print the number of creates and the destination."""
        self._total = total
        self._put(" ".join(("creating", count_of(total, "exam"), self._place)).rstrip())

    def settled(self, exam: ExamOutcome) -> None:
        """Count the outcome of `exam`, and print the counts if nothing was printed for some time."""
        self._counts[exam.outcome] += 1
        if time.monotonic() - self._printed_at_s >= _QUIET_S:
            self._put(f"{self._counts.total():,} of {self._total:,}: {_counted(self._counts)}")

    def waiting(self, seconds: float, reason: str) -> None:
        """Print how long sending pauses, and why."""
        self._put(_pause(seconds, reason))

    def _put(self, line: str) -> None:
        self._printed_at_s = time.monotonic()
        put(self._console, line)


class TerminalProgress(_CountingProgress):
    """Draws a bar with the counts so far on the last line of a terminal."""

    _total = 0
    _begun_at_s = 0.0

    def started(self, total: int) -> None:
        """Draw the bar, empty."""
        self._total, self._begun_at_s = total, time.monotonic()
        self._draw("")

    def trying(self, begun: TryBegun) -> None:  # noqa: ARG002 - any event redraws the bar
        """Draw the bar again, with the time that has passed."""
        self._draw(_counted(self._counts))

    def settled(self, exam: ExamOutcome) -> None:
        """Count the outcome of `exam`, and draw the bar one exam further."""
        self._counts[exam.outcome] += 1
        self._draw(_counted(self._counts))

    def waiting(self, seconds: float, reason: str) -> None:
        """Show the pause beside the bar until something else happens."""
        self._draw(_pause(seconds, reason))

    def finished(self) -> None:
        """Draw the bar with the final counts, and end its line."""
        if self._total:
            self._draw(_counted(self._counts))
            self._console.file.write("\n")

    def _draw(self, words: str) -> None:
        done = self._counts.total()
        filled = _BAR * done // max(self._total, 1)
        line = fitted(
            self._console,
            f"Creating {self._place}".rstrip(),
            " ",
            ("━" * filled, "green"),
            ("─" * (_BAR - filled), "dim"),
            f" {done}/{self._total} ",
            str(timedelta(seconds=int(time.monotonic() - self._begun_at_s))),
            f" {words}",
        )
        self._console.file.write(f"{_CLEAR_LINE}{line}")


def _pause(seconds: float, reason: str) -> str:
    return f"waiting {seconds:.1f} s: {printable(shorten(reason, _LONGEST_REASON))}"


def _counted(counts: Counter[Outcome]) -> str:
    return ", ".join(f"{counts[outcome]:,} {label_of(outcome)}" for outcome in Outcome if counts[outcome])

"""Progress of an apply: a bar on a terminal, or plain lines in a log.

Each class has the shape of `reconciler.ports.Progress`.
"""

from collections import Counter
from typing import Final

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from reconciler.model.plan import Plan
from reconciler.model.report import ExamOutcome, Outcome, TryBegun, TryEnded
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.plain import Console
from reconciler.outputs.report_text import print_outcome
from reconciler.outputs.terminal import count_of, put

_LONGEST_REASON: Final = 60


class LogProgress:
    """One plain line for each thing that happens; the last says how all ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts: Counter[Outcome] = Counter()
        self._place = ""

    def planned(self, plan: Plan) -> None:
        """Where the plan goes is told with the number of creates."""
        self._place = plan.destination.place

    def started(self, total: int) -> None:
        """The number of creates, and where they go, is on a line."""
        put(self._console, " ".join(("creating", count_of(total, "exam"), self._place)).rstrip())

    def trying(self, begun: TryBegun) -> None:
        """Nothing is shown: what counts is how exams end."""

    def tried(self, ended: TryEnded) -> None:
        """Nothing is shown, as above."""

    def settled(self, exam: ExamOutcome) -> None:
        """How the create of `exam` ended is on a line."""
        self._counts[exam.outcome] += 1
        print_outcome(exam, self._console)

    def waiting(self, seconds: float, reason: str) -> None:
        """How long sending pauses, and why, is on a line."""
        put(self._console, _pause(seconds, reason))

    def finished(self) -> None:
        """How many ended in which way is on a line."""
        put(self._console, f"done: {_counted(self._counts) or 'nothing was sent'}")


class TerminalProgress:
    """A bar with the counts so far, on the last line of a terminal."""

    def __init__(self, console: RichConsole) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._task: TaskID | None = None
        self._place = ""
        self._bar = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def planned(self, plan: Plan) -> None:
        """Where the plan goes is told before the bar."""
        self._place = plan.destination.place

    def started(self, total: int) -> None:
        """The bar is there, empty."""
        label = printable(f"Creating {self._place}".rstrip())
        self._task = self._bar.add_task("", total=total, label=label)
        self._bar.start()

    def trying(self, begun: TryBegun) -> None:
        """Nothing is shown: what counts is how exams end."""

    def tried(self, ended: TryEnded) -> None:
        """Nothing is shown, as above."""

    def settled(self, exam: ExamOutcome) -> None:
        """The bar has grown by one."""
        self._counts[exam.outcome] += 1
        self._describe(_counted(self._counts), advance=1)

    def waiting(self, seconds: float, reason: str) -> None:
        """The pause stands beside the bar until the next create ends."""
        self._describe(_pause(seconds, reason), advance=0)

    def finished(self) -> None:
        """The bar stands still, with the final counts."""
        self._describe(_counted(self._counts), advance=0)
        self._bar.stop()

    def _describe(self, words: str, *, advance: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=words, advance=advance)


def _pause(seconds: float, reason: str) -> str:
    return f"waiting {seconds:.1f} s: {printable(shorten(reason, _LONGEST_REASON))}"


def _counted(counts: Counter[Outcome]) -> str:
    words = {outcome: outcome.value.replace("-", " ") for outcome in Outcome}
    return ", ".join(f"{counts[outcome]:,} {words[outcome]}" for outcome in Outcome if counts[outcome])

"""Progress that nobody sees. It has the shape of `reconciler.ports.Progress`, and loads no library."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.plan import Plan
    from reconciler.model.report import ExamOutcome, TryBegun, TryEnded


class QuietProgress:
    """Shows nothing."""

    def planned(self, plan: "Plan") -> None:
        """Nothing is shown."""

    def started(self, total: int) -> None:
        """Nothing is shown."""

    def trying(self, begun: "TryBegun") -> None:
        """Nothing is shown."""

    def tried(self, ended: "TryEnded") -> None:
        """Nothing is shown."""

    def settled(self, exam: "ExamOutcome") -> None:
        """Nothing is shown."""

    def waiting(self, seconds: float, reason: str) -> None:
        """Nothing is shown."""

    def finished(self) -> None:
        """Nothing is shown."""

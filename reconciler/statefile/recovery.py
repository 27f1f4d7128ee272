"""The recovery journal: outcomes on this machine's disk until the store certainly has them."""

from collections.abc import Callable, Iterable

from reconciler.model.records import IntentRecord, Record
from reconciler.statefile.journal_format import encode_record


class RecoveryJournal:
    """Keeps outcomes on this machine. A disk that fails does not fail the run.

    `append` puts bytes durably at the end of a file; it raises OSError if they may not be there, and the next
    append drops them then.

    `failure` says why the last outcome that could not be kept was not; None where all were. `is_owed` says
    whether the store refused an outcome, or may have.
    """

    def __init__(self, append: Callable[[bytes], object]) -> None:
        self._append = append
        self._kept = 0
        self.failure: OSError | None = None
        self.is_owed = False

    @property
    def is_empty(self) -> bool:
        """Whether no outcome is kept here."""
        return self._kept == 0

    def concerns(self, records: Iterable[Record]) -> bool:
        """Whether there are outcomes among `records`."""
        return any(not isinstance(record, IntentRecord) for record in records)

    def keep(self, records: Iterable[Record]) -> None:
        """The outcomes among `records` are durable on this machine, or `failure` says why not."""
        outcomes = [record for record in records if not isinstance(record, IntentRecord)]
        if not outcomes:
            return
        numbered = enumerate(outcomes, start=self._kept + 1)
        try:
            self._append(b"".join(encode_record(record, number=number) for number, record in numbered))
        except OSError as error:
            self.failure = error
        else:
            self._kept += len(outcomes)

    def owe(self, records: Iterable[Record]) -> None:
        """The store may not have the outcomes among `records`."""
        self.is_owed = self.is_owed or self.concerns(records)

"""Sheets that settle many exams in doubt: each is carried out as a whole, or refused as a whole."""

from collections import defaultdict
from typing import Final

from reconciler.model.errors import ResolutionRefused, UsageError
from reconciler.model.identities import Address, ExamSid
from reconciler.model.report import SheetResult
from reconciler.model.state import State
from reconciler.planning.sheet_lines import Mistake, SheetLine, read_sheet, refusal
from reconciler.planning.state_edits import (
    Editor,
    address_of,
    holders_of,
    not_in_doubt,
    refuse_other_attempt,
    refuse_taken,
    settled,
    sid_of,
)

_ABSENT: Final = "absent"
_MOST_MISTAKES: Final = 1000


def settle_sheet(state: State, sheet: bytes, *, name: str, editor: Editor) -> tuple[State, SheetResult]:
    """Return `state` once all that `sheet` says is settled, and what that is.

    Raises ResolutionRefused, with a diagnostic for each wrong line of the file `name`.
    """
    check, mistakes = _Check(state), list[Mistake]()
    for line in read_sheet(sheet, name):
        if len(mistakes) == _MOST_MISTAKES:
            break
        if isinstance(line, Mistake):
            mistakes.append(line)
            continue
        try:
            check.take(line)
        except (UsageError, ResolutionRefused) as error:
            mistakes.append(Mistake(line.number, error.message, error.hint))
    if mistakes:
        raise refusal(name, mistakes)
    result = SheetResult(found=check.found, unanswered=tuple(check.unanswered), known=tuple(check.known))
    return settled(state, result.found, editor), result


class _Check:
    """Compares each line with the state and with the lines before it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._holders = holders_of(state)
        self._ends = defaultdict[tuple[str, str], set[ExamSid | None]](set)
        for one in state.resolutions:
            self._ends[one.address, one.attempt].add(one.sid)
        self._line_of: dict[tuple[str, str], int] = {}
        self.found: dict[Address, ExamSid | None] = {}
        self.unanswered: list[Address] = []
        self.known: list[Address] = []

    def take(self, line: SheetLine) -> None:
        """Add `line` to what is found, unanswered or known. Raises UsageError and ResolutionRefused."""
        address, is_answered = address_of(line.address), line.sid != ""
        self._refuse_second("address", address, line.number)
        sid = None
        if is_answered and line.sid.casefold() != _ABSENT:
            sid = sid_of(line.sid)
            self._refuse_second("sid", sid, line.number)
        ends = self._ends_of(address, line.attempt)
        if sid in ends if is_answered else ends:
            self.known.append(address)
            return
        if address not in self._state.intents:  # without a suggestion: a hostile sheet has 100,000 such lines
            raise not_in_doubt(self._state, address, "Remove the line, or correct its address.")
        refuse_other_attempt(self._state, address, line.attempt)
        if sid is not None:
            refuse_taken(self._holders, address, sid)
        if is_answered:
            self.found[address] = sid
        else:
            self.unanswered.append(address)

    def _ends_of(self, address: Address, attempt: str) -> set[ExamSid | None]:
        """Return how state says that the doubt about `address` has ended; nothing if it is in doubt."""
        if address in self._state.intents:
            return set()
        entry = self._state.exams.get(address)
        return self._ends[address, attempt] | (set() if entry is None else {entry.sid})

    def _refuse_second(self, column: str, cell: str, number: int) -> None:
        """Raise ResolutionRefused if a line before `number` has the same `cell` in `column`."""
        first = self._line_of.setdefault((column, cell), number)
        if first != number:
            raise ResolutionRefused(
                f"{cell} is on line {first} as well", hint="An exam, and an SID, may be on one line only."
            )

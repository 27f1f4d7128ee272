"""The branch of a state: what it holds, and how it moves from one commit to the next.

A change is one commit on top of the commit that was seen, pushed on the condition that the branch still is at
that one. A holder of the lock adds the condition that the lock is still its own. So whoever breaks a lock
takes it away first, and then puts a commit on the branch: what the old holder is pushing at that moment is
either in the branch by then, and seen, or is refused for ever.

A push whose answer is lost is looked for: it succeeded if the branch is at its commit. If the branch is
where it was, the push may still arrive; the next one is then refused, finds its own earlier commit, and
goes on from it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.backends.complaints import lock_taken_away
from reconciler.backends.git_complaints import Trouble, foreign, overtaken, unavailable
from reconciler.backends.git_history import UNNAMED, Author, manifests_commit, message_of
from reconciler.backends.git_remote import PAUSES_S, Answer, Remote, Update
from reconciler.backends.git_scratch import Built, Edit, Scratch
from reconciler.backends.git_tip import ABSENT, ForeignBranchError, Tip, tip_of
from reconciler.backends.git_urls import GitPlace
from reconciler.model.errors import StateUnavailable

_SEEN: Final = "refs/reconciler/seen"
_MOST_MOVES: Final = 8


class Change(Struct, frozen=True, kw_only=True):
    """A commit to be: what it edits, what the branch holds with it, and what is said of it."""

    edit: Edit
    then: Callable[[Built], Tip]
    headline: str = ""
    note: str = ""


class Holding(Struct, kw_only=True):
    """A lock that is held, as its commit `lock`, and what its holder knows of the branch.

    `unsettled` are commits whose pushes may yet arrive; `trouble` is set once this holder may change nothing.
    """

    lock: str
    lock_id: str
    author: Author
    command: str
    tip: Tip = ABSENT
    unsettled: dict[str, Tip] = field(default_factory=dict)
    trouble: StateUnavailable | None = None


class Branch:
    """The branch at `place`. Raises StateUnavailable, ScratchError and OSError."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self._place = place
        self._root = root
        self.scratch = Scratch(protocols=place.protocols)
        self.remote = Remote(self.scratch.git, place)

    def fetch(self) -> Tip:
        """What the branch holds now."""
        if not self.remote.fetch(self._place.branch, into=_SEEN):
            return ABSENT
        commit = self.scratch.resolve(_SEEN)
        try:
            return tip_of(commit, self.scratch.entries(commit), self._place.path)
        except ForeignBranchError as error:
            raise foreign(self._place, str(error)) from error

    def journal_blobs(self, commit: str) -> tuple[str, ...]:
        """The blobs of the journal's appends at `commit`, which was fetched or pushed from here."""
        return tip_of(commit, self.scratch.entries(commit), self._place.path).blobs

    def advance(self, make: Callable[[Tip], Change | None], *, holding: Holding | None) -> Tip:
        """What the branch holds once it has moved by the change that `make` gives for what it held.

        Where `make` gives none, nothing moves, and a holder holds the lock still. Raises what `make`
        raises; and StateUnavailable, after which a holder may try again if the branch is its own still.
        """
        for _ in range(_MOST_MOVES):
            if holding is not None and holding.trouble is not None:
                raise holding.trouble
            tip = self.fetch() if holding is None else holding.tip
            change = make(tip)
            if change is None:
                if self._is_still_at(tip, holding):
                    return tip
                continue
            built = self._build(tip, change, holding)
            then = replace(change.then(built), commit=built.commit)
            if self._deliver(tip, then, holding):
                return then
        raise unavailable(self._place, "write", Trouble(reason="others push to its branch all the time"))

    def _build(self, tip: Tip, change: Change, holding: Holding | None) -> Built:
        trailers = {"Manifests-Commit": manifests_commit(self._root) or ""}
        if holding is not None:
            trailers["Lock-Id"] = holding.lock_id
        return self.scratch.build(
            tip.commit,
            change.edit,
            message=message_of(
                change.headline if holding is None else holding.command,
                change.note if holding is None else change.note or change.headline,
                {key: value for key, value in trailers.items() if value},
            ),
            author=UNNAMED if holding is None else holding.author,
        )

    def _is_still_at(self, tip: Tip, holding: Holding | None) -> bool:
        if holding is None or (seen := self._look(holding)) == tip.commit:
            return True
        self._follow(seen, holding)
        return False

    def _deliver(self, tip: Tip, then: Tip, holding: Holding | None) -> bool:
        """Whether the branch moved from `tip` to `then`; if not, it is elsewhere, and that is known."""
        commit = str(then.commit)
        updates = [Update(ref=self._place.branch, expected=tip.commit, new=commit)]
        if holding is not None:
            updates.append(Update(ref=self._place.lock, expected=holding.lock, new=holding.lock))
            holding.unsettled[commit] = then
        may_arrive = False
        for pause_s in (*PAUSES_S, None):
            pushed = self.remote.push(*updates)
            seen = commit if pushed.answer is Answer.DONE else self._look(holding)
            if seen == commit:
                _go_on(holding, then)
                return True
            if seen != tip.commit:
                self._follow(seen, holding)
                return False
            may_arrive |= pushed.answer is Answer.UNKNOWN
            if not pushed.trouble.is_passing or pause_s is None:
                break
            time.sleep(pause_s)
        if holding is not None and not may_arrive:
            del holding.unsettled[commit]
        raise unavailable(self._place, "write", pushed.trouble)

    def _look(self, holding: Holding | None) -> str | None:
        """Where the branch is. Raises StateUnavailable if the lock was taken away."""
        seen = self.remote.look(self._place.branch, self._place.lock)
        if holding is not None and seen[self._place.lock] != holding.lock:
            holding.trouble = lock_taken_away(self._place.location)
            raise holding.trouble
        return seen[self._place.branch]

    def _follow(self, seen: str | None, holding: Holding | None) -> None:
        """Go on from an own commit that arrived late. Raises StateUnavailable if the commit is another's."""
        if holding is None:
            return
        if seen not in holding.unsettled:
            holding.trouble = overtaken(self._place)
            raise holding.trouble
        _go_on(holding, holding.unsettled[seen])


def _go_on(holding: Holding | None, tip: Tip) -> None:
    """Know that the branch is at `tip`: pushes on the condition that it is elsewhere are refused."""
    if holding is not None:
        holding.tip = tip
        holding.unsettled.clear()

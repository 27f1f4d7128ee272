"""State at a server of Terraform's HTTP protocol, which is what GitLab speaks.

The protocol has one document, updated whole, and a lock, but no update that compares. So whoever changes the
document holds the lock while it reads, compares and writes, and the server refuses updates of anybody else.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.backends.complaints import conflict, locked
from reconciler.backends.content_version import snapshot_of, version_of
from reconciler.backends.http_address import HttpAddress, read_address
from reconciler.backends.http_claim import Claim, Standing
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_document import Document, pack
from reconciler.backends.http_documents import Documents
from reconciler.backends.http_exchange import Exchange
from reconciler.backends.http_holding import Holding
from reconciler.backends.http_lock import ServerLock
from reconciler.backends.http_proof import prove
from reconciler.backends.http_wire import Wire
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, LockHolder, LockInfo, Snapshot, StateBackend, Tenure, Version

_POLL_S: Final = 0.5
_BRIEF_S: Final = 30.0


def open_http(url: str, *, root: Path) -> StateBackend:  # noqa: ARG001 - no path is below it
    """The state at the address that `url` names."""
    return HttpBackend(read_address(url))


class HttpBackend:
    """A state at an address; implements `ports.StateBackend`."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address
        self._complaints = Complaints(address)
        self._exchange = Exchange(Wire(address), self._complaints)
        self._documents = Documents(self._exchange, address, self._complaints)
        self._lock = ServerLock(self._exchange, address, self._complaints)
        self._holding: Holding | None = None

    @property
    def location(self) -> str:
        """The state's URL as given."""
        return self._address.location

    def read(self) -> Snapshot | None:
        """The document's snapshot, or None where there is none."""
        snapshot = self._document().snapshot
        return None if snapshot is None else snapshot_of(snapshot)

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Put `data` in the place of exactly the content `replacing`; the server has it on return."""

        def change(document: Document) -> Document:
            present = None if document.snapshot is None else version_of(document.snapshot)
            if present != replacing:
                raise conflict(self.location)
            return replace(document, snapshot=data)

        self._update(change)
        return version_of(data)

    def back_up(self, data: bytes) -> str:
        """Put `data` in the place of the last backup, in the document."""
        packed = pack(data)
        self._update(lambda document: replace(document, backup=packed))
        return f"the `backup` in the document at {self._address.address}"

    def read_journal(self) -> bytes:
        """The document's journal; none where there is no document."""
        return self._document().journal

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Put `data` behind the first `after` bytes of the journal; the server has it on return."""

        def change(document: Document) -> Document:
            if len(document.journal) < after:
                raise StateUnavailable(
                    f"the journal of {self.location} was removed or cut while this run was writing it",
                    hint="Put it back: it holds what state does not have yet.",
                    location=self.location,
                )
            return replace(document, journal=document.journal[:after] + data)

        self._update(change)

    def clear_journal(self) -> None:
        """Empty the journal; the server has it on return."""
        self._update(lambda document: replace(document, journal=b"") if document.journal else document)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[Tenure]:
        """Hold the server's lock; a late update of its last holder is refused, as it names another ID."""
        with self._hold(info, timeout_s=timeout_s):
            yield Tenure.ORDERLY

    def lock_holder(self) -> LockHolder | None:
        """Who holds the lock; None where nobody does. It is found out by trying to take it."""
        with self._exchange.connected():
            standing = self._lock.look(_this_process("unlock"))
        return None if standing is None else standing.holder

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Let go of the lock in its holder's name, if it is that of `lock_id`."""
        with self._exchange.connected():
            return self._lock.break_claim(_this_process("unlock"), lock_id, breaking)

    def prove_conditional_writes(self) -> None:
        """Raises StateUnavailable unless the server keeps out whoever does not hold the lock."""
        with self._held() as holding:
            prove(holding, lock=self._lock, documents=self._documents, complaints=self._complaints)

    def _document(self) -> Document:
        return self._documents.get() if self._holding is None else self._holding.read()

    def _update(self, change: Callable[[Document], Document]) -> None:
        with self._held() as holding:
            holding.update(change)

    @contextmanager
    def _held(self) -> Iterator[Holding]:
        """The lock: as it is held, or for the length of one change."""
        if self._holding is not None:
            yield self._holding
            return
        with self._hold(_this_process("write"), timeout_s=_BRIEF_S) as holding:
            yield holding

    @contextmanager
    def _hold(self, info: LockInfo, *, timeout_s: float) -> Iterator[Holding]:
        with self._exchange.connected():
            holding = self._holding = Holding(
                self._taken(info, timeout_s),
                lock=self._lock,
                documents=self._documents,
                complaints=self._complaints,
                asks_first=not self._address.is_gitlab,
            )
            try:
                yield holding
            finally:
                self._holding = None
                with suppress(StateUnavailable):  # who comes next is told whose lock was left behind
                    holding.end()

    def _taken(self, info: LockInfo, timeout_s: float) -> Claim:
        """A claim that stands. Raises StateLocked if another's does for longer than `timeout_s`."""
        claim = self._lock.new_claim(info)
        deadline_s = time.monotonic() + timeout_s
        while (standing := self._try(claim)) is not None:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise locked(self.location, standing.holder)
            time.sleep(min(_POLL_S, left_s))
        return claim

    def _try(self, claim: Claim) -> Standing | None:
        try:
            return self._lock.take(claim)
        except StateUnavailable:
            with suppress(StateUnavailable):  # the claim may stand, though nobody told us
                self._lock.let_go(claim.claim_id, claim.body)
            raise


def _this_process(command: str) -> LockInfo:
    """What others read of a lock that is held for the length of one call."""
    return LockInfo(
        lock_id=uuid.uuid4().hex,
        who=f"uid {os.getuid()}",
        host=socket.gethostname(),
        pid=os.getpid(),
        since=datetime.now(UTC),
        command=command,
    )

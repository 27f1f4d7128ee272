"""State at a server for Terraform's HTTP protocol, as GitLab is.

The protocol has a document, which is replaced as a whole, and a lock, but no conditional update. So every
change is made under the lock: read, compare, write. The server refuses updates from clients without the lock.

While we hold the lock, nobody else's update is accepted, so the document is what we last read or wrote. Two
things can go wrong:

    the lock is broken               nothing more is written or acknowledged
    an update's answer is lost       it may still arrive later, and overwrite what was written after it

In the second case we exchange the claim for one with a new ID before the next update. The server then refuses
the late update, which names the old ID. We read the document again: it is as we sent it, or as it was before.
Otherwise somebody else has changed it, and the lock counts as lost.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.model.errors import StateUnavailable
from reconciler.ports import (
    Breaking,
    LockHandover,
    LockHolder,
    LockInfo,
    Snapshot,
    StateStore,
    Version,
    content_version,
)
from reconciler.stores.http_address import HttpAddress, read_address
from reconciler.stores.http_document import StateDocument, pack
from reconciler.stores.http_retries import HttpOutcomeUnknown
from reconciler.stores.http_server import Claim, CurrentClaim, HttpStateServer
from reconciler.stores.locks import wait_for
from reconciler.stores.store_errors import conflict, lock_taken_away, locked, shortened

_BRIEF_S: Final = 30.0


class HeldHttpLock:
    """The lock that this run holds, from when it was taken until `end`."""

    def __init__(self, claim: Claim, server: HttpStateServer) -> None:
        self.claim = claim
        self._own = {claim.claim_id}
        self._server = server
        self._location = server.address.location
        self._known: StateDocument | None = None
        self._unsettled: tuple[StateDocument, StateDocument] | None = None
        self._is_between_claims = False
        self._is_lost = False

    def read(self) -> StateDocument:
        """Return the document, read from the server."""
        if self._unsettled is not None and not self._is_lost:
            try:
                return self._settle()
            except StateUnavailable:
                if not self._is_lost:
                    raise
        self._known = self._server.get()
        return self._known

    def update(self, change: Callable[[StateDocument], StateDocument]) -> StateDocument:
        """Replace the document by what `change` returns for it, durably; return the new one.

        Raise StateUnavailable, with nothing changed, once the lock is lost.
        """
        sent: StateDocument | None = None
        for number in range(1, _UPDATE_TRIES + 1):
            present = self._present()
            if present == sent:
                return present
            changed = change(present)
            if changed is present:
                return present
            lineage = present.lineage or str(uuid.uuid4())
            sent = replace(changed, serial=present.serial + 1, lineage=lineage)
            try:
                self._put(present, sent)
            except HttpOutcomeUnknown as error:
                if number == _UPDATE_TRIES or not error.is_passing:
                    raise
            else:
                return sent
        raise AssertionError

    def end(self) -> None:
        """Release the lock, unless it is lost. Raise StateUnavailable if that may have failed."""
        if not self._is_lost:
            self._server.release(self.claim.claim_id, self.claim.body)

    def _present(self) -> StateDocument:
        if self._is_lost:
            raise lock_taken_away(self._location)
        if self._unsettled is not None:
            return self._settle()
        if self._known is None:
            self._known = self._server.get()
        return self._known

    def _put(self, present: StateDocument, sent: StateDocument) -> None:
        if not self._server.address.is_gitlab:  # others accept any update while nobody holds the lock
            self._confirm_claim()
        self._unsettled = (present, sent)
        try:
            is_taken = self._server.put(sent, claim_id=self.claim.claim_id)
        except StateUnavailable as error:
            if not isinstance(error, HttpOutcomeUnknown):
                self._unsettled = None
            raise
        self._unsettled = None
        if not is_taken:
            self._confirm_claim()
            raise self._server.errors.refused_though_held()
        self._known = sent

    def _settle(self) -> StateDocument:
        """Make late updates impossible; return the document: as sent, or as it was before."""
        self._renew_claim()
        found = self._server.get()
        if self._unsettled is None or found not in self._unsettled:
            with suppress(StateUnavailable):
                self.end()
            raise self._lost(self._server.errors.moved_on())
        self._known, self._unsettled = found, None
        return found

    def _renew_claim(self) -> None:
        """Exchange our claim for a new one. Raise StateUnavailable if another client has the lock."""
        if not self._is_between_claims:
            self._confirm_claim()
            self._is_between_claims = True
            self._server.release(self.claim.claim_id, self.claim.body)
        self.claim = self._server.new_claim(self.claim.info)
        self._own.add(self.claim.claim_id)
        current = self._server.take(self.claim)
        if current is not None and current.claim_id in self._own:  # our release did not arrive
            self._server.release(current.claim_id, current.body)
            current = self._server.take(self.claim)
        if current is not None:
            raise self._lost(lock_taken_away(self._location))
        self._is_between_claims = False

    def _confirm_claim(self) -> None:
        """Raise StateUnavailable unless a claim of ours has the lock."""
        current = self._server.look(self.claim.info)
        # If the server does not show whose claim it is, it may be ours.
        if current is None or (current.claim_id and current.claim_id not in self._own):
            raise self._lost(lock_taken_away(self._location))

    def _lost(self, error: StateUnavailable) -> StateUnavailable:
        self._is_lost = True
        return error


_SAMPLE: Final = 'a proof: "\\u00e9" é ✓\n'.encode()


def open_http(url: str, *, root: Path) -> StateStore:  # noqa: ARG001 - no path is below it
    """Return the store at the address that `url` names."""
    return HttpStore(read_address(url))


class HttpStore:
    """A state at an HTTP address; implements `ports.StateStore`."""

    def __init__(self, address: HttpAddress) -> None:
        self.location = address.location
        self._address = address
        self._server = HttpStateServer(address)
        self._held: HeldHttpLock | None = None

    def read(self) -> Snapshot | None:
        """Return the snapshot in the document; None if there is none."""
        snapshot = self._document().snapshot
        return None if snapshot is None else Snapshot(data=snapshot, version=content_version(snapshot))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Replace the snapshot whose version is `replacing` by `data`; durable on return."""

        def change(document: StateDocument) -> StateDocument:
            present = None if document.snapshot is None else content_version(document.snapshot)
            if present != replacing:
                raise conflict(self.location)
            return replace(document, snapshot=data)

        self._update(change)
        return content_version(data)

    def back_up(self, data: bytes) -> str:
        """Replace the last backup in the document by `data`; return where it is."""
        packed = pack(data)
        self._update(lambda document: replace(document, backup=packed))
        return f"the `backup` in the document at {self._address.address}"

    def read_journal(self) -> bytes:
        """Return the journal in the document; empty if there is no document."""
        return self._document().journal

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Write `data` after the first `after` bytes of the journal; durable on return."""

        def change(document: StateDocument) -> StateDocument:
            if len(document.journal) < after:
                raise shortened(self.location)
            return replace(document, journal=document.journal[:after] + data)

        self._update(change)

    def clear_journal(self) -> None:
        """Empty the journal; durable on return."""
        self._update(lambda document: replace(document, journal=b"") if document.journal else document)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock.

        ORDERLY: the server refuses late updates of the last holder, which name another ID.
        """
        with self._take(info, timeout_s=timeout_s):
            yield LockHandover.ORDERLY

    def lock_holder(self) -> LockHolder | None:
        """Return who holds the lock, found by trying to take it; None if nobody does."""
        with self._server.connected():
            current = self._server.look(_this_process("unlock"))
        return None if current is None else current.holder

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Release the lock for its holder, if its id is `lock_id`."""
        with self._server.connected():
            return self._server.break_claim(_this_process("unlock"), lock_id, breaking)

    def prove_conditional_writes(self) -> None:
        """Raise StateUnavailable unless the server refuses updates from clients without the lock."""
        with self._under_lock() as held:
            _prove(held, self._server)

    def _document(self) -> StateDocument:
        return self._server.get() if self._held is None else self._held.read()

    def _update(self, change: Callable[[StateDocument], StateDocument]) -> None:
        with self._under_lock() as held:
            held.update(change)

    @contextmanager
    def _under_lock(self) -> Iterator[HeldHttpLock]:
        """Give the lock that is held; take it for the length of the context if none is."""
        if self._held is not None:
            yield self._held
            return
        with self._take(_this_process("write"), timeout_s=_BRIEF_S) as held:
            yield held

    @contextmanager
    def _take(self, info: LockInfo, *, timeout_s: float) -> Iterator[HeldHttpLock]:
        with self._server.connected():
            held = self._held = HeldHttpLock(self._taken(info, timeout_s), self._server)
            try:
                yield held
            finally:
                self._held = None
                with suppress(StateUnavailable):  # the next run is told whose lock was left behind
                    held.end()

    def _taken(self, info: LockInfo, timeout_s: float) -> Claim:
        """Take the lock; raise StateLocked if another client has it for longer than `timeout_s`."""
        claim = self._server.new_claim(info)
        current: CurrentClaim | None = None

        def try_() -> Claim | None:
            nonlocal current
            try:
                current = self._server.take(claim)
            except StateUnavailable:
                with suppress(StateUnavailable):  # the claim may have the lock although the answer was lost
                    self._server.release(claim.claim_id, claim.body)
                raise
            return claim if current is None else None

        if wait_for(try_, timeout_s=timeout_s) is None and current is not None:
            raise locked(self.location, current.holder)
        return claim


def _this_process(command: str) -> LockInfo:
    """Return what others see of a lock that is held for one call."""
    return LockInfo(
        lock_id=uuid.uuid4().hex,
        who=f"uid {os.getuid()}",
        host=socket.gethostname(),
        pid=os.getpid(),
        since=datetime.now(UTC),
        command=command,
    )


_UPDATE_TRIES: Final = 3


def _prove(held: HeldHttpLock, server: HttpStateServer) -> None:
    """Raise StateUnavailable unless the server's lock keeps others out and it returns what was stored.

    Needs the lock, and a state without a snapshot; leaves both as they were.
    """
    other = server.new_claim(held.claim.info)
    if server.take(other) is None:
        server.release(other.claim_id, other.body)
        raise server.errors.unsafe("it gives its lock to two clients at once")
    _prove_refusal(held, other, server)
    sent = held.update(lambda document: replace(document, journal=_SAMPLE))
    if server.get() != sent:
        raise server.errors.unsafe("it does not return what was stored")
    held.update(lambda document: replace(document, journal=b""))


def _prove_refusal(held: HeldHttpLock, other: Claim, server: HttpStateServer) -> None:
    """Raise StateUnavailable if an update with another claim's ID changes the document."""
    present = held.read()
    forged = replace(present, serial=present.serial + 1, lineage=present.lineage or "a proof")
    with suppress(StateUnavailable):  # GitLab answers 500; the document itself is what counts
        server.put(forged, claim_id=other.claim_id)
    if server.get() != present:
        raise server.errors.unsafe("it accepts updates from clients that do not hold its lock")

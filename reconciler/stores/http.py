"""State at a server for Terraform's HTTP protocol, as GitLab is.

The protocol has a document, which is replaced as a whole, and a lock, but no conditional update. So every
change is made under the server's lock: read, compare with the head that the change follows, write. The
server's lock only orders these updates. Who may work on the state is written in the log.

The lock is kept while the log is not empty, for nobody else's update is accepted then, and the document is
what was last read or written. The document names the ID of the lock under which it was written. So another
client that follows its head can release that lock, if the run was killed or its lock in the log is broken:

    document                 the server's lock has              then another client, which follows the head,
    with a log               an ID of the run in the document   releases it, takes its own, reads, compares
    without a log            an ID of the run in the document   the same, after a moment: that run is done
    any                      another ID                         waits a little, then gives up: StateLocked

If the answer to an update is lost, it may still arrive, and overwrite what was written after it. So before
the next change the lock is exchanged for one with a new ID, and the document is read again. The server then
refuses the late update, which names the old ID. Servers other than GitLab accept any update while nobody has
the lock: there, a run after which something may arrive late leaves its lock to the next run.
"""

import hashlib
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace as changed

from reconciler.model.errors import OutcomeUnknown, StateError, StateUnavailable
from reconciler.ports import Head, Store, Stored
from reconciler.stores.http_address import HttpAddress, read_address
from reconciler.stores.http_document import StateDocument
from reconciler.stores.http_server import HttpServer, ServerLock, family_of, new_family, new_lock
from reconciler.stores.store_errors import conflict

_PATIENCE_S: Final = 5.0
_UNLOCKING_S: Final = 1.0
_POLL_S: Final = 0.1


def open_http(url: str, *, root: Path, is_typed: bool = False) -> Store:  # noqa: ARG001 - no path is below it
    """Return the store at the address that `url` names. `is_typed`: it comes from the command line."""
    return HttpStore(read_address(url, is_typed=is_typed))


def _head_of(document: StateDocument) -> Head | None:
    if document.snapshot is None:
        return None
    text = f"{document.lineage} {document.lock_id} {_digest(document.snapshot)} "
    return Head(f"{document.serial}-{hashlib.sha256(text.encode() + document.log).hexdigest()}")


@lru_cache(maxsize=2)  # successive updates keep the snapshot
def _digest(snapshot: bytes) -> str:
    return hashlib.sha256(snapshot).hexdigest()


class HttpStore:
    """A state at an HTTP address; implements `ports.Store`, `KeepsCopies` and `HasServerLock`."""

    def __init__(self, address: HttpAddress) -> None:
        self.location = address.location
        self._address = address
        self._server = HttpServer(address)
        self._family = new_family()
        self._lock: ServerLock | None = None  # what this object took, and has not certainly released
        self._known: StateDocument | None = None  # the document, while nobody else can change it
        self._sent: StateDocument | None = None  # an update whose answer was lost
        self._may_be_late = False  # whether an update may still arrive that names an earlier lock
        self._backup: bytes | None = None

    def load(self) -> Stored | None:
        """Return snapshot, log and head in the document; None without a snapshot."""
        document = self._server.get()
        if self._sent is not None and self._address.is_gitlab and not document.log:
            self._release()  # the update was made, or will be refused
        head = _head_of(document)
        if document.snapshot is None or head is None:
            return None
        return Stored(snapshot=document.snapshot, log=document.log, head=head)

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:  # noqa: ARG002 - no history
        """Add `records` to the log."""
        return self._update(at, lambda present: changed(present, log=present.log + records))

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:  # noqa: ARG002 - no history
        """Replace snapshot and log; write the backup that `keep_backup` was given with them."""

        def change(present: StateDocument) -> StateDocument:
            if present.snapshot is None:
                self._prove_refusal(present)
            backup = present.backup if self._backup is None else self._backup
            return changed(present, snapshot=snapshot, log=log, backup=backup)

        head = self._update(at, change)
        self._backup = None
        return head

    def has_ended(self, lock_id: str) -> bool:  # noqa: ARG002 - part of the port
        """Return False: a server cannot know."""
        return False

    def keep_backup(self, snapshot: bytes) -> str:
        """Keep `snapshot` for the next `replace`, which writes it."""
        self._backup = snapshot
        return f"the `backup` in the document at {self._address.address}"

    def backup(self) -> bytes | None:
        """Return the backup in the document."""
        return self._server.get().backup

    def earlier(self, version: str) -> bytes | None:  # noqa: ARG002 - part of the port
        """Return None: the protocol cannot read earlier versions."""
        return None

    def release(self, lock_id: str) -> str | None:
        """Release the server's lock if its name is `lock_id`; return who had it."""
        present = self._present_lock()
        is_meant = present is not None and present.name == lock_id
        return present.holder if present and is_meant and self._server.unlock(present) else None

    def server_lock(self) -> str | None:
        """Return who has the server's lock; None if nobody has it."""
        present = self._present_lock()
        return None if present is None else present.holder

    def _update(self, at: Head | None, change: Callable[[StateDocument], StateDocument]) -> Head:
        lock, present = self._locked(at)
        serial, lineage = present.serial + 1, present.lineage or str(uuid.uuid4())
        try:
            sent = changed(change(present), serial=serial, lineage=lineage, lock_id=lock.lock_id)
            self._known, self._sent = None, sent  # until the answer is there
            self._server.put(sent)
        except OutcomeUnknown:
            self._may_be_late = not self._address.is_gitlab
            raise
        except StateError:
            self._sent = None
            if not present.log:
                self._release()
            raise
        self._known, self._sent = sent, None
        if not (sent.log or self._may_be_late):
            self._release()
        head = _head_of(sent)
        assert head is not None  # noqa: S101 - it has a snapshot
        return head

    def _locked(self, at: Head | None) -> tuple[ServerLock, StateDocument]:
        """Hold the lock; return it, and the document. Raise StateConflict if its head is not `at`."""
        if self._lock and self._known and _head_of(self._known) == at and self._is_held(self._lock):
            return self._lock, self._known
        if self._lock is not None:
            self._server.unlock(self._lock)
        lock, self._known, self._sent = new_lock(self._family), None, None
        try:
            self._take(lock, at)
            present = self._server.get()
            if _head_of(present) != at:
                raise conflict(self.location)
            if not self._is_held(lock):
                raise self._server.errors.unsafe("it gives its lock to two clients at once")
        except StateError:
            self._release()
            raise
        self._known = present
        return lock, present

    def _take(self, lock: ServerLock, at: Head | None) -> None:
        """Take the lock. If the run in the document has it, release that, unless the head is not `at`."""
        began_s = time.monotonic()
        while True:
            self._lock = lock
            if (holder := self._server.lock(lock)) is None:
                return
            self._lock = None
            document, waited_s = self._server.get(), time.monotonic() - began_s
            if _head_of(document) != at:
                raise conflict(self.location)
            if waited_s > _PATIENCE_S:
                raise self._server.errors.locked(holder.holder, holder.name)
            is_left = family_of(holder.lock_id or document.lock_id) == family_of(document.lock_id)
            if document.lock_id and is_left and (document.log or waited_s > _UNLOCKING_S):
                self._may_be_late = bool(document.log) and not self._address.is_gitlab
                self._server.unlock(holder if holder.lock_id else ServerLock.named(document.lock_id))
            else:
                time.sleep(_POLL_S)

    def _is_held(self, lock: ServerLock) -> bool:
        """Return whether `lock` has the lock, as far as updates depend on that; forget it if not.

        GitLab itself refuses an update without the lock. Others are asked for the lock under another ID.
        """
        if self._address.is_gitlab:
            return True
        present = self._present_lock()
        if present is not None and present.lock_id in {"", lock.lock_id}:
            return True
        self._lock = None
        return False

    def _present_lock(self) -> ServerLock | None:
        """Return the server's lock. To ask, it is taken under another ID, and given back at once."""
        asked = new_lock(self._family)
        present = self._server.lock(asked)
        if present is None:
            self._server.unlock(asked)
        return present

    def _release(self) -> None:
        """Release the lock. If that fails, the next change tries again, and others can once it is at rest."""
        lock, self._lock, self._known, self._sent = self._lock, None, None, None
        if lock is not None:
            try:
                self._server.unlock(lock)
            except StateUnavailable:
                self._lock = lock

    def _prove_refusal(self, present: StateDocument) -> None:
        """Raise StateUnavailable if an update that names another ID than the lock's changes the document."""
        lock_id, lineage = new_lock(self._family).lock_id, present.lineage or "a proof"
        with suppress(StateUnavailable):  # GitLab answers 500; the document itself is what counts
            self._server.put(changed(present, serial=present.serial + 1, lineage=lineage, lock_id=lock_id))
        if self._server.get() != present:
            raise self._server.errors.unsafe("it accepts updates from clients that do not hold its lock")

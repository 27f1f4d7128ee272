"""Edits of state under one lock, moves to another store, and recovery files of earlier runs.

May import: `stores`, `state`, `planning`, `model`, `ports`, `host`, `service_url`.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler import service_url
from reconciler.host import SystemClock
from reconciler.model.declarations import Declaration, Declared
from reconciler.model.errors import RecoveryRefused, ResolutionRefused, StateAbsent, StateDamaged, UsageError
from reconciler.model.identities import Address
from reconciler.model.locks import Liveness, LockInfo
from reconciler.model.outside_text import tamed
from reconciler.model.report import RecoveredOutcome, RecoveryVerdict, SheetResult
from reconciler.model.secret_fingerprints import StateKeys
from reconciler.model.state import Entry, State
from reconciler.model.stored_values import LONGEST_PROSE
from reconciler.model.words import nearest
from reconciler.planning import state_edits
from reconciler.planning.acceptances import Fingerprints
from reconciler.planning.blocks import exams_by_address
from reconciler.planning.doubt_sheet import settle_sheet
from reconciler.planning.state_edits import address_of, sid_of
from reconciler.ports import Head
from reconciler.state.earlier_runs import settle_leftovers
from reconciler.state.feedback import feed
from reconciler.state.high_water import HighWaterMark
from reconciler.state.local_folder import local_path
from reconciler.state.locking import find, holder_of, locked
from reconciler.state.machine_key import machine_key
from reconciler.state.migration import Migration
from reconciler.state.pushing import refuse_push
from reconciler.state.recovery_file import RECOVERY
from reconciler.state.recovery_format import decode_recovery
from reconciler.state.restoring import logs_in, rebuilt, refuse_gap, restored
from reconciler.state.session import Session
from reconciler.state.state_format import decode_state, encode_state
from reconciler.state.strict_json import MalformedError
from reconciler.stores.encrypting_store import EncryptingStore
from reconciler.stores.encryption import decrypt_document

LARGEST_SHEET_BYTES: Final = 4 * 1024 * 1024
"""Maximum size of a sheet that settles exams in doubt."""


class Edit:
    """Edits of one state that are committed together. Made by `Workspace.editing`.

    A wrong argument raises UsageError before the lock is taken. An edit that the state does not allow raises
    ResolutionRefused or PushRefused, and changes nothing.
    """

    def __init__(  # noqa: PLR0913 - what edits need of their workspace
        self,
        store: EncryptingStore,
        *,
        keys: StateKeys,
        declared: Callable[[], Declared],
        fingerprints: Callable[[State, Iterable[tuple[Declaration, Entry]]], Fingerprints],
        root: Path,
        begin: Callable[[], Session],
    ) -> None:
        self._store = store
        self._keys = keys
        self._declared = declared
        self._fingerprints = fingerprints
        self._root = root
        self._begin = begin
        self._edited: State | None = None
        self.backup: str | None = None
        """Where the state before the edits is kept; None before the commit, and without edits."""

    @cached_property
    def _session(self) -> Session:
        return self._begin()

    @property
    def state(self) -> State:
        """The state with the edits so far; the committed state after the context has ended."""
        return self._session.state if self._edited is None else self._edited

    def adopt(self, address: str, sid: str, *, by: str) -> None:
        """Record that the declared exam `address` exists as `sid`; `by` says who found it, and where."""
        exam, found = address_of(address), sid_of(sid)
        declaration = _declaration_of(self._declared(), exam)
        self._edited = state_edits.adopt(self.state, declaration, found, _editor(by))

    def resolve(self, address: str, *, sid: str | None, by: str, attempt: str | None = None) -> None:
        """Record that the in-doubt exam `address` was created as `sid`; None: that it was not created.

        Raises ResolutionRefused if `attempt` is not None and the exam is in doubt because of another attempt.
        """
        exam, found = address_of(address), None if sid is None else sid_of(sid)
        self._edited = state_edits.settle(self.state, exam, found, _editor(by), attempt=attempt)

    def resolve_all(self, sheet: bytes, *, name: str, by: str) -> SheetResult:
        """Settle the exams in doubt as the CSV `sheet` says, all or none, and return what it did.

        `name` names the sheet in errors. Raises ResolutionRefused with a diagnostic for each wrong line.
        """
        if len(sheet) > LARGEST_SHEET_BYTES:
            raise UsageError(
                f"the sheet {name} is larger than {LARGEST_SHEET_BYTES // 1024**2} MiB",
                hint="Give the sheet that `reconciler state list --in-doubt --format csv` wrote, filled in.",
            )
        after, result = settle_sheet(self.state, sheet, name=name, editor=_editor(by))
        if result.found:
            self._edited = after
        return result

    def accept(self, addresses: Sequence[str], *, by: str, reason: str | None = None) -> None:
        """Record that the declared exams at `addresses` were changed in the service to what is declared.

        `by` says who says so, and where; `reason` says why. If one cannot be accepted, none is.
        """
        wanted = [address_of(one) for one in dict.fromkeys(addresses)]
        if not wanted:
            return
        exams, state = exams_by_address(self._declared()), self.state
        known = [(exams[one], state.exams[one]) for one in wanted if one in exams and one in state.exams]
        self._edited = state_edits.accept(
            state,
            wanted,
            exams,
            _editor(by),
            reason=tamed(reason or "", most=LONGEST_PROSE) or None,
            fingerprints=self._fingerprints(state, known),
        )

    def move(self, source: str, target: str) -> None:
        """Move the exam from the address `source` to the address `target`."""
        here, there = address_of(source), address_of(target)
        self._edited = state_edits.move(self.state, here, there)

    def remove(self, address: str) -> None:
        """Remove the exam at `address` from state; the service keeps the exam."""
        exam = address_of(address)
        self._edited = state_edits.remove(self.state, exam)

    def rebind(self, url: str) -> None:
        """Bind the state to the service with the base URL `url`."""
        self._edited = state_edits.rebind(self.state, service_url.normalised(url))

    def push(self, document: bytes, *, name: str, forget: int = 0) -> None:
        """Replace the state by `document`, which must have the same lineage and a later serial.

        `name` names it in errors. `forget` is how many created exams it lacks.
        """
        pushed = decode_state(decrypt_document(document, keys=self._keys, name=name), location=name)
        if pushed != self.state:
            refuse_push(self.state, pushed, self._store.location, forget=forget)
            self._edited = pushed

    def restore(self, older: State, *, forget: int = 0) -> None:
        """Put back the state `older`, with what has happened since.

        Exams that only the present state has stay, unless `forget` says how many of them may go.
        """
        self._edited = restored(
            older, self.state, seen=HighWaterMark(self._root).serial(older.lineage), forget=forget
        )

    def recover(self, document: bytes, *, name: str) -> tuple[RecoveredOutcome, ...]:
        """Merge the recovery file `document` into the state, and return the result for each outcome in it.

        `name` names it in errors. Raises RecoveryRefused if it belongs to another state, or is damaged.
        """
        try:
            outcomes = decode_recovery(document, name=name)
        except MalformedError as error:
            raise RecoveryRefused(
                f"{name} is not a recovery file of this tool, or is damaged: {error}",
                hint="Nothing was changed. The readable part names addresses and SIDs: settle each with "
                "`reconciler resolve ADDRESS --sid SID` or `reconciler import ADDRESS SID`.",
            ) from error
        state = self.state
        if outcomes is None:
            return ()
        if outcomes.header.lineage != state.lineage:
            raise RecoveryRefused(
                f"{name} belongs to another state: its lineage is {outcomes.header.lineage}, the lineage of "
                f"{self._store.location} is {state.lineage}",
                hint="Nothing was changed. Check --state and --env.",
            )
        after, fed = feed(state, outcomes.records)
        if any(one.verdict is RecoveryVerdict.RECORDED for one in fed):
            self._edited = after
        return fed

    def encrypt(self) -> None:
        """Encrypt state and backup with the present key, also if they are encrypted already."""
        state = self.state
        self._store.encrypt_next_write()
        self._edited = state

    def decrypt(self) -> None:
        """Store state and backup as plain text from now on."""
        state = self.state
        if not self._store.is_encrypted():
            raise UsageError(f"{self._store.location} is not encrypted", hint="There is nothing to do.")
        self._store.decrypt_next_write()
        self._edited = state

    def commit(self) -> None:
        """Commit the edits. The end of the context does this; nothing can be edited after it."""
        if self._edited is None:
            return
        # Before an edit removes exams from state: files whose outcomes are all in state are no longer needed.
        key = machine_key(root=self._root, is_needed=False)
        settle_leftovers(local_path(self._root, RECOVERY), self._session.state, root=self._root, key=key)
        self.backup = self._session.back_up()
        self._session.finish(self._edited)
        self._edited = None


def migrate(
    source: EncryptingStore,
    target: EncryptingStore,
    *,
    lock: LockInfo,
    timeout_s: float,
    is_encrypted: bool,
) -> State:
    """Move the state from `source` to `target`, encrypted if `source` or `is_encrypted` is.

    `lock` is for the lock of `source`.
    """

    def prepare() -> None:
        if (is_encrypted or source.is_encrypted()) and not target.is_encrypted():
            target.encrypt_next_write()

    return Migration(source=source, target=target, lock=lock, prepare=prepare).run(timeout_s=timeout_s)


class Restored(Struct, frozen=True, kw_only=True):
    """The state after `Workspace.restore`, and where the one before it is kept, if it was kept."""

    state: State
    backup: str | None


def rebuild(  # noqa: PLR0913 - what is known, and the choices of the caller's
    store: EncryptingStore,
    older: State,
    *,
    seen: int,
    forget: int,
    is_encrypted: bool,
    is_older_allowed: bool,
) -> Restored | None:
    """Put `older` in place of a state that is gone or damaged, with what its log holds.

    Return None, with nothing changed, if the present state is as it should be. No lock is taken: a run that
    holds one is forced out. Raises StateLocked if that run is certainly alive, and StateOutdated, unless
    `is_older_allowed`, if there was a later state than what is known now.
    """
    snapshot, log, head = None, b"", None
    try:
        found = find(store)
    except StateAbsent:
        pass
    except StateDamaged as error:
        if error.log is None:  # the store does not tell
            raise
        snapshot, log, head = error.snapshot, error.log, error.head
    else:
        refuse_gap(
            max(older.serial, found.replayed.folded_serial), 0 if is_older_allowed else seen, store.location
        )
        return None
    logs = logs_in(log, store.location)
    lock = logs[-1].lock if logs else None
    if lock is not None and holder_of(store, lock).liveness is Liveness.ALIVE:
        raise locked(store, lock)
    state, backup, newest = rebuilt(older, logs, seen=seen), None, older.serial
    damaged: State | None = None
    if snapshot is not None:
        with suppress(StateDamaged):
            damaged = decode_state(snapshot, location=store.location)
            state = restored(state, damaged, seen=seen, forget=forget)
            newest = max(newest, damaged.serial)
    latest = max([seen, *(log.serial + log.has_news for log in logs)])
    newest += any(log.has_news for log in logs)
    refuse_gap(newest, 0 if is_older_allowed else latest, store.location)
    if snapshot is not None and damaged is not None:
        backup = store.keep_backup(snapshot)
    if is_encrypted:
        store.encrypt_next_write()
    at = None if head is None else Head(head)
    store.replace(encode_state(state), b"", at=at, note="an older state is restored")
    return Restored(state=state, backup=backup)


def _editor(by: str) -> state_edits.Editor:
    return state_edits.Editor(by=tamed(by), at=SystemClock().now())


def _declaration_of(declared: Declared, address: Address) -> Declaration:
    for declaration in declared.exams:
        if declaration.address == address:
            return declaration
    for exam in declared.elsewhere:
        if exam.address == address:
            hint = f"Name this environment in its `environments`, at {exam.declared_at}."
            raise ResolutionRefused(f"{exam}", hint=hint)
    near = nearest(address, sorted(one.address for one in declared.exams))
    question = f"Did you mean {' or '.join(near)}? Otherwise declare" if near else "Declare"
    raise ResolutionRefused(
        f"{address} is not declared in the manifests that were read",
        hint=f"{question} the exam first, as it really is, or give the path of the manifest that does.",
    )

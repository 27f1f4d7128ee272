"""The Python API: open a workspace, validate, plan, apply, edit its state. docs/python-api.md shows how.

An apply goes one way. `Workspace.apply` has all its steps, in this order:

    open      reconciler.yaml, rules ──► Workspace
    load      manifests ───────────────► Loaded: declarations and diagnostics
    lock      store ───────────────────► State                              ┐
    plan      Loaded and State ────────► Planned                            │ all of this
    refuse    --expect, guards, earlier runs, service, token, secrets       │ under
    confirm   the caller looks at the plan                                  │ the lock
    send      requests to the service, outcomes to the log, then the state  ┘
    tell      Applied ─────────────────► the caller, who prints it

This module does not print, prompt or read environment variables. Failures are ReconcilerErrors.
May import: every room but `cli` and `sandbox`. Only `apply` loads `sending`, and with it httpx and asyncio.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler import service_url
from reconciler.durable import require_locks
from reconciler.editing import Edit, Restored, migrate, rebuild
from reconciler.host import SystemClock, lock_info, new_attempt, new_lineage
from reconciler.manifest.lifecycle import POINTS_NOWHERE
from reconciler.manifest.loader import RuleSettings, load, ordered
from reconciler.manifest.paths import find as find_manifests
from reconciler.manifest.several_environments import OF_ENVIRONMENT, in_all
from reconciler.manifest.stray_manifests import stray_manifests
from reconciler.manifest.workspace_file import WorkspaceFile, load_workspace
from reconciler.manifest.yaml.document import IS_FAST
from reconciler.model.commands import command
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.destination import Destination, Environment, ServiceUrl
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.errors import (
    ManifestInvalid,
    NotConfirmed,
    PlanRefused,
    ReconcilerError,
    RecoveryRefused,
    StateExists,
    UsageError,
)
from reconciler.model.identities import Address
from reconciler.model.locks import Breaking, Liveness, LockHolder, LockInfo
from reconciler.model.plan import Action, Plan
from reconciler.model.provenance import Provenance
from reconciler.model.rollover import Rollover
from reconciler.model.rules import Rule
from reconciler.model.secret_fingerprints import STATE_KEY_VARIABLE, FingerprintKey, StateKeys
from reconciler.model.state import Entry, State
from reconciler.model.terms import Term
from reconciler.model.words import first_few, listed, suggestion
from reconciler.planning.acceptances import NO_FINGERPRINTS, Fingerprints
from reconciler.planning.block_globs import apply_all_blocks
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.expectations import check_expectation
from reconciler.planning.planner import make_plan
from reconciler.planning.secret_changes import held_with_secrets
from reconciler.ports import KeepsCopies, Progress, SecretSource, Store
from reconciler.rules.plugins import find_rules
from reconciler.rules.registry import CODES, FIXED, STRAY, RuleRegistry
from reconciler.secret_sources import compare_secrets, present_fingerprints
from reconciler.state.earlier_runs import (
    files_of_location,
    look_at_leftovers,
    refuse_doubtful_creates,
    settle_leftovers,
)
from reconciler.state.high_water import HighWaterMark, OlderState, outdated, watched_session
from reconciler.state.initialising import BEGIN_ANEW, initialise, refuse_backup
from reconciler.state.local_folder import local_path
from reconciler.state.locking import Found, break_lock, find, holder_of, is_local, present_holder
from reconciler.state.machine_key import machine_key
from reconciler.state.recovery_file import RECOVERY, RecoveryFile, make_recovery_file
from reconciler.state.recovery_format import RecoveryHeader
from reconciler.state.session import load_state
from reconciler.state.state_format import decode_state
from reconciler.stores.encrypting_store import EncryptingStore
from reconciler.stores.encryption import decrypt_document, long_enough
from reconciler.stores.opening import open_store
from reconciler.stores.urls import read_scheme

if TYPE_CHECKING:
    from reconciler.applying.stopping import Stopping
    from reconciler.sending import Applied, Sending

RULE_CODES: Final = frozenset(CODES)
"""The codes of all rules that come with the product."""
FIXED_RULES: Final = FIXED
"""The codes of the rules that no setting and no comment can turn off."""

READS_FAST: Final = IS_FAST
"""Whether PyYAML has its C extension; without it, reading manifests takes about ten times as long."""

_DEFAULT_STATE: Final = "file:exams.state.json"
_MAX_CREATES: Final = 100
_NO_KEYS: Final = StateKeys()


class MachineNote(Struct, frozen=True, kw_only=True):
    """What this machine, and no other, knows of the state: `message` says what, `hint` what to do."""

    message: str
    hint: str


class Planned(Struct, frozen=True, kw_only=True):
    """A plan, and the provenance of the declared exams, which is found when it is asked for.

    `notes` are no part of the plan: other machines may have others.
    """

    plan: Plan
    provenance: Mapping[Address, Provenance] = field(default_factory=dict)
    notes: tuple[MachineNote, ...] = ()


class Workspace:
    """The exams declared in one directory, in one environment, with their state. Made by `Workspace.open`.

    `open` reads the workspace file and the rules. Manifests are read when first needed, state each time that
    it is needed. Open the workspace again to see changed files.
    """

    _root: Path
    _paths: tuple[str, ...]
    _environment: str | None
    _state_url: str | None
    _api_url: str | None
    _ambient_api_url: str | None
    _keys: StateKeys
    _is_strict: bool
    _registry: RuleRegistry
    _file: WorkspaceFile
    _loaded: dict[datetime | None, Loaded]

    @classmethod
    def open(  # noqa: PLR0913 - each is a choice of the caller's
        cls,
        *,
        root: Path | None = None,
        paths: Sequence[str] = (),
        environment: str | None = None,
        state_url: str | None = None,
        api_url: str | None = None,
        ambient_api_url: str | None = None,
        keys: StateKeys = _NO_KEYS,
        is_strict: bool = False,
    ) -> "Workspace":
        """Open the workspace in the directory `root` (None: the working directory).

        `paths` are manifests below it; by default those of the workspace file, or else all manifests.
        `environment` names one of the workspace file. `state_url` and `api_url` override those of the
        environment. `ambient_api_url` (that of the variable SMARTERPROCTORING_URL) is used only if nothing
        else names a service; a plan is refused if it contradicts the environment. `keys` decrypt the state,
        and the present key makes fingerprints of secrets. `is_strict` turns warnings into errors, except
        warnings that appear only because time has passed.

        Mistakes in files raise no error here: `validate` returns them, other methods raise ManifestInvalid.
        """
        opened = cls()
        opened._root = Path.cwd() if root is None else root
        opened._paths = tuple(paths)
        opened._environment = environment
        opened._state_url = state_url
        opened._api_url = api_url
        opened._ambient_api_url = ambient_api_url
        opened._keys = keys
        opened._is_strict = is_strict
        opened._registry = find_rules(opened._root)
        opened._file = opened._read_file(environment)
        opened._loaded = {}
        return opened

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that manifests are checked against: built-in ones, and those of installed plug-ins."""
        return self._registry.rules

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments in reconciler.yaml."""
        return self._file.environment.names

    def every_environment(self) -> tuple[Environment, ...]:
        """Return all environments of reconciler.yaml; an empty tuple if that file has an error."""
        return tuple(self._read_file(name).environment for name in self.environments)

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""
        return self._store().location

    @property
    def has_local_state(self) -> bool:
        """Whether the state is a file on this machine."""
        return read_scheme(self._chosen_state) == "file"

    def validate(self, *, now: datetime | None = None) -> Loaded:
        """Return the declarations of the manifests and all diagnostics. A mistake raises no error.

        Rules use `now` as the current time (None: the clock's). If there are several environments and none
        was chosen, each is checked with its manifests: the result has what any of them declares. If a state
        was named when the workspace was opened, rules about time say nothing of the exams in it.
        """
        names = self._file.environment.names if self._environment is None else ()
        if len(names) < 2:  # noqa: PLR2004 - several
            loaded = self._load(now)
        else:
            loaded = in_all({name: self._declare(self._read_file(name), now) for name in names})
        loaded = self._with_strays(loaded)
        if self._state_url is None or has_errors(loaded.diagnostics):
            return loaded
        declared = {exam.address for exam in loaded.declared.exams}
        return _about_new(loaded, declared - self.load_state().exams.keys())

    def rollover(self, old: str, new: str) -> Rollover:
        """Return the manifests of the term `new` that follow from those of the term `old`. Writes nothing.

        The manifests must have no errors, except those that are there only because time has passed.
        """
        from reconciler.drafting.rollover import roll_over  # noqa: PLC0415 - no other command needs it

        file_errors = [each for each in self._file.diagnostics if each.code != "no-environment"]
        if has_errors(file_errors):
            raise ManifestInvalid(file_errors)
        terms = _terms(self._file.environment.terms, old, new)
        loaded = self.validate()
        errors = [each for each in loaded.diagnostics if each.code not in loaded.timely]
        if has_errors(errors):
            raise ManifestInvalid(errors)
        courses: dict[str, set[str]] = {}
        for exam in loaded.declared.exams:
            if exam.course is not None:
                courses.setdefault(exam.declared_at.file, set()).add(exam.course)
        return roll_over(
            find_manifests(self._paths, self._root).files,
            root=self._root,
            environment=self._file.environment,
            terms=terms,
            courses=courses,
        )

    def write_rollover(self, rollover: Rollover) -> tuple[str, ...]:
        """Write the new files, all or none; return those that no command reads unless they are named."""
        from reconciler.drafting.new_files import NewFile, write_new  # noqa: PLC0415 - as above

        sources = {file.name for file in find_manifests(self._paths, self._root).files}
        write_new((NewFile(file.name, file.content) for file in rollover.files), self._root)
        names = self._file.environment.names or (None,)
        read = {
            file.name
            for name in names
            for file in find_manifests((), self._root, self._read_file(name).manifests).files
        }
        return tuple(file.name for file in rollover.files if file.source in sources and file.name not in read)

    def declared(self) -> Declared:
        """Return what the manifests declare in the environment."""
        return self._load_valid().declared

    def plan(
        self,
        *,
        targets: Sequence[str] = (),
        max_creates: int | None = None,
        now: datetime | None = None,
        secrets: SecretSource | None = None,
    ) -> Planned:
        """Return what an apply would do now. Needs no token and no lock, and writes nothing.

        Rules and guards use `now` as the current time (None: the clock's). With `secrets` and a state key,
        values of secrets are compared with those that were sent.
        """
        loaded = self._load_valid(now)
        store = self._store()
        found = find(store, {exam.digest: exam.payload for exam in loaded.declared.exams})
        state = found.state
        now = SystemClock().now() if now is None else now
        planned = self._plan(
            loaded,
            apply_all_blocks(loaded.declared, state, now=now),
            location=store.location,
            targets=targets,
            max_creates=max_creates,
            key=None if secrets is None else self._fingerprint_key(state),
            secrets=secrets,
            now=now,
        )
        return replace(planned, notes=self._notes(store, found, planned.plan))

    async def apply(  # noqa: PLR0913 - each is a port or a choice of the caller's
        self,
        *,
        sending: "Sending",
        confirm: Callable[[Planned], bool],
        by: str,
        progress: Progress | None = None,
        stopping: "Stopping | None" = None,
        reviewed: Plan | str | None = None,
        targets: Sequence[str] = (),
        max_creates: int | None = None,
        lock_timeout_s: float = 0.0,
        recovery_directory: Path | None = None,
        is_older_allowed: bool = False,
    ) -> "Applied":
        """Create the missing exams, under the lock, by the create protocol.

        A new plan is made. It is refused if a guard stops it, or if it does anything that `reviewed` (a plan
        or a fingerprint) does not. `confirm` then decides. `by` says who runs this, and where; state keeps it
        for each create in doubt. `progress` receives events. Without `stopping`, only cancellation stops the
        run. A recovery file in `recovery_directory` (None: below the workspace) keeps what is sent, and the
        outcomes, until the store has them; the store of a local file needs none. A state that is older than
        one that this machine has seen is refused unless `is_older_allowed`.
        """
        from reconciler.sending import Run  # noqa: PLC0415 - httpx and asyncio load only to apply

        require_locks("an apply")
        loaded = self._load_valid()
        store, lock = self._store(), lock_info("apply")
        older = OlderState.ACCEPTED if is_older_allowed else OlderState.REFUSED
        with watched_session(
            store, root=self._root, lock=lock, timeout_s=lock_timeout_s, older=older
        ) as session:
            if session.has_news:  # a store that loses its log has no other copy than the recovery files
                session.commit(session.state)
            folder = recovery_directory or local_path(self._root, RECOVERY)
            earlier = settle_leftovers(
                folder,
                session.state,
                root=self._root,
                key=machine_key(root=self._root, is_needed=False),
            )
            key = self._fingerprint_key(session.state)
            now = SystemClock().now()
            applied = apply_all_blocks(loaded.declared, session.state, now=now)
            planned = self._plan(
                loaded,
                applied,
                location=store.location,
                targets=targets,
                max_creates=max_creates,
                key=key,
                secrets=sending.secrets,
                now=now,
            )
            planned = replace(planned, notes=_foreign_notes(earlier.foreign))
            _refuse_unsafe(planned.plan, reviewed)
            service = self._service(session.state)
            run = Run(sending, planned.plan, applied, service=service, unmerged=earlier.unmerged, key=key)
            planned = replace(planned, notes=(*planned.notes, *_notes_of_spaces(run.spaced_secrets)))
            if planned.plan.to_make and not confirm(planned):
                raise NotConfirmed("the plan was not confirmed", hint="Nothing was sent or changed.")

            def make_file() -> RecoveryFile:
                header = RecoveryHeader(
                    lineage=session.state.lineage,
                    serial=session.state.serial,
                    location=store.location,
                    run=lock.lock_id,
                )
                return make_recovery_file(folder, header, key=machine_key(root=self._root, is_needed=True))

            return await run.carry_out(
                session,
                by=by,
                progress=progress,
                stopping=stopping,
                make_file=None if is_local(store) else make_file,
            )

    @contextmanager
    def editing(
        self,
        *,
        lock_timeout_s: float = 0.0,
        command: str = "edit",
        is_older_allowed: bool = False,
        is_recovery: bool = False,
        secrets: SecretSource | None = None,
    ) -> Iterator[Edit]:
        """Edit the state: any number of edits under one lock, with one commit and one backup.

        The first edit, or the first access to `Edit.state`, takes the lock; others see `command` as its
        holder. The end of the context commits the edits; an error changes nothing. A state that is older than
        one that this machine has seen is refused unless `is_older_allowed`. A recovery may go on with it: it
        adds what one run recorded, and `apply` still refuses a state that is older than that. With `secrets`
        and a state key, accepted exams get fingerprints of the present values.
        """
        older = OlderState.REPLACED if is_recovery else OlderState.REFUSED
        older = OlderState.ACCEPTED if is_older_allowed else older
        with self._editing(self._store(), lock_info(command), lock_timeout_s, older, secrets) as edit:
            yield edit

    @contextmanager
    def _editing(
        self,
        store: EncryptingStore,
        lock: LockInfo,
        timeout_s: float,
        older: OlderState,
        secrets: SecretSource | None = None,
    ) -> Iterator[Edit]:
        def fingerprints(state: State, exams: Iterable[tuple[Declaration, Entry]]) -> Fingerprints:
            key = None if secrets is None else self._fingerprint_key(state)
            return (
                NO_FINGERPRINTS if secrets is None else present_fingerprints(exams, key, secrets, new_attempt)
            )

        with ExitStack() as stack:
            session = watched_session(store, root=self._root, lock=lock, timeout_s=timeout_s, older=older)
            edit = Edit(
                store,
                keys=self._keys,
                declared=lambda: self._load_valid().declared,
                fingerprints=fingerprints,
                root=self._root,
                begin=lambda: stack.enter_context(session),
            )
            yield edit
            edit.commit()

    def load_state(self) -> State:
        """Return the state with the outcomes of its log. Writes nothing."""
        return load_state(self._store())

    def plain_text(self, document: bytes, *, name: str) -> bytes:
        """Return `document`, a copy or backup of a state, decrypted if it is encrypted.

        `name` names it in errors.
        """
        return decrypt_document(document, keys=self._keys, name=name)

    def refuse_lost(self) -> None:
        """Raise StateExists if there is no state, and a backup or this machine knows of an earlier one."""
        store = self._store()
        if store.load() is None:
            self._refuse_empty(store.location)
            refuse_backup(store)

    def initialise(self, *, is_encrypted: bool = False) -> State:
        """Create an empty state, encrypted if `is_encrypted`."""
        self.refuse_lost()
        store = self._store()
        if is_encrypted:
            store.encrypt_next_write()
        return initialise(store, lineage=new_lineage(), lock=lock_info("init"))

    def migrate(self, source_url: str, *, lock_timeout_s: float = 0.0, is_encrypted: bool = False) -> State:
        """Move the state at `source_url` to the state URL of this workspace.

        It is encrypted if it was, or if `is_encrypted`. A marker in the old store keeps it from being used
        again. An interrupted migration continues where it stopped.
        """
        source, target = self._store(source_url), self._store()
        lock = lock_info("init --migrate-from")
        state = migrate(source, target, lock=lock, timeout_s=lock_timeout_s, is_encrypted=is_encrypted)
        HighWaterMark(self._root).raise_to(state.lineage, state.serial, target.location)
        return state

    def restore(
        self,
        document: bytes,
        *,
        name: str,
        forget: int = 0,
        lock_timeout_s: float = 0.0,
        is_older_allowed: bool = False,
    ) -> Restored:
        """Put back `document`, an older state.

        `name` names it in errors. What has happened since stays in state, and so do the exams that only the
        present state has, unless `forget` says how many of them may go. If the present state is gone or
        damaged, what its log holds is added to `document`. If there was a later state than all of these,
        this is refused unless `is_older_allowed`.
        """
        store, lock = self._store(), lock_info("state restore")
        plain, mark = self.plain_text(document, name=name), HighWaterMark(self._root)
        older = decode_state(plain, location=name)
        seen = mark.serial(older.lineage)
        made = rebuild(
            store,
            older,
            seen=seen,
            forget=forget,
            is_encrypted=plain != document,
            is_older_allowed=is_older_allowed,
        )
        if made is not None:
            mark.raise_to(made.state.lineage, made.state.serial, store.location)
            return made
        with self._editing(store, lock, lock_timeout_s, OlderState.REPLACED) as edit:
            edit.restore(older, forget=forget)
        return Restored(state=edit.state, backup=edit.backup)

    def copy_of_state(self, version: str | None = None) -> bytes:
        """Return the backup of the state or, of a store with a history, the state at `version`.

        Raises UsageError if there is none.
        """
        store, found = self._open_store(), None
        if isinstance(store, KeepsCopies):
            found = store.backup() if version is None else store.earlier(version)
        if found is None:
            what = "has no backup" if version is None else f"has no version {version!r} in its history"
            raise UsageError(
                f"{store.location} {what}",
                hint="Name a file with a copy of the state: `reconciler state restore FILE`.",
            )
        return found

    def lock_holder(self) -> LockHolder | None:
        """Return the run that holds the lock or was killed with it; None for a free lock."""
        return present_holder(self._store())

    def unlock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock `lock_id`, and return its holder."""
        return break_lock(self._store(), lock_id, breaking=breaking, by=lock_info("unlock"))

    def _notes(self, store: Store, found: Found, plan: Plan) -> tuple[MachineNote, ...]:
        """Return notes on a run that holds the lock, a later state, and recovery files that contradict it.

        While a run holds the lock, its own file is ahead of the state; then they are not compared.
        """
        notes, state = _notes_of_lock(store, found.lock), found.state
        try:
            seen = HighWaterMark(self._root).serial(state.lineage)
            if seen > found.replayed.folded_serial:
                error = outdated(state.serial, seen, plan.destination.state or "")
                notes.append(MachineNote(message=error.message, hint=f"`apply` refuses it. {error.hint}"))
            key = machine_key(root=self._root, is_needed=False)
            earlier = look_at_leftovers(local_path(self._root, RECOVERY), state, root=self._root, key=key)
            notes += _foreign_notes(earlier.foreign)
            if found.lock is None:
                creates = {change.address for change in plan.having(Action.CREATE)}
                refuse_doubtful_creates(creates, earlier.unmerged)
        except RecoveryRefused as refused:
            notes.append(MachineNote(message=refused.message, hint=f"`apply` refuses it. {refused.hint}"))
        return tuple(notes)

    def _refuse_empty(self, location: str) -> None:
        """Raise StateExists if this machine knows of a state at `location`, which is gone."""
        for path in files_of_location(local_path(self._root, RECOVERY), location):
            raise StateExists(
                f"{location} does not exist, but a run on it left {path}",
                hint="An empty state would create every exam again. Put a copy of the state back with "
                f"`reconciler state restore FILE`, then run {command('state', 'recover', str(path))}. "
                f"{BEGIN_ANEW}",
            )
        if seen := HighWaterMark(self._root).serial(location):
            raise StateExists(
                f"{location} does not exist, but this machine has seen serial {seen} of it",
                hint="An empty state would create every exam again. `reconciler state restore` puts the "
                f"backup back, `reconciler state restore FILE` a copy. {BEGIN_ANEW}",
            )

    def _read_file(self, environment: str | None) -> WorkspaceFile:
        return load_workspace(self._root, environment_name=environment, rules=self._registry.adjustable)

    def _load(self, now: datetime | None) -> Loaded:
        """Return the declarations and diagnostics at `now`. Manifests are read once."""
        if now not in self._loaded:
            self._loaded[now] = self._declare(self._file, now)
        return self._loaded[now]

    def _load_valid(self, now: datetime | None = None) -> Loaded:
        loaded = self._load(now)
        if has_errors(loaded.diagnostics):
            raise _invalid(loaded.diagnostics)
        return loaded

    def _declare(self, file: WorkspaceFile, now: datetime | None) -> Loaded:
        """Read the manifests in the environment that `file` chose."""
        rules = RuleSettings(
            registry=self._registry,
            severities=file.rules,
            now=SystemClock().now() if now is None else now,
            cohorts=file.cohorts,
            max_exams_a_day=file.max_exams_a_day,
            is_partial=bool(self._paths and file.manifests),
        )
        loaded = load(
            self._paths,
            root=self._root,
            environment=file.environment,
            otherwise=file.manifests,
            rules=rules,
        )
        found = loaded.diagnostics
        if has_errors(file.diagnostics):
            unsure = OF_ENVIRONMENT if self._paths else OF_ENVIRONMENT | {"no-manifest"}
            found = tuple(each for each in found if each.code not in unsure)
        found = (*file.diagnostics, *found)
        if self._is_strict:
            spared = loaded.timely if now is None else frozenset[str]()
            found = tuple(
                each if each.code in spared else replace(each, severity=Severity.ERROR) for each in found
            )
        return replace(loaded, diagnostics=found)

    def _with_strays(self, loaded: Loaded) -> Loaded:
        """Return `loaded` with diagnostics about manifests that no path names; none if some were chosen."""
        patterns, severity = self._file.all_paths, self._file.rules.get(STRAY, Severity.WARNING)
        if self._paths or severity is None or patterns is None:
            return loaded
        severity = Severity.ERROR if self._is_strict else severity
        found = stray_manifests(self._root, read=loaded.files, patterns=patterns, severity=severity)
        return replace(loaded, diagnostics=ordered([*loaded.diagnostics, *found])) if found else loaded

    def _store(self, url: str | None = None) -> EncryptingStore:
        """Return the state's store, or the one at `url`. Raises ManifestInvalid."""
        return EncryptingStore(self._open_store(url), self._keys)

    def _open_store(self, url: str | None = None) -> Store:
        if has_errors(self._file.diagnostics):
            raise _invalid(self._file.diagnostics)
        return open_store(url or self._chosen_state, root=self._root, is_typed=bool(url or self._state_url))

    @property
    def _chosen_state(self) -> str:
        """The URL of the state, as written."""
        return self._state_url or self._file.environment.state_url or _DEFAULT_STATE

    def _service(self, state: State) -> ServiceUrl:
        """Return the service to use, and what named it."""
        return service_url.choose(
            option=self._api_url,
            environment=self._file.environment.api_url,
            variable=self._ambient_api_url,
            bound=state.service,
        )

    def _fingerprint_key(self, state: State) -> FingerprintKey | None:
        """Return the key for fingerprints of secrets; None without a state key."""
        if self._keys.present is None:
            return None
        key = long_enough(self._keys.present, STATE_KEY_VARIABLE)
        return FingerprintKey.derive(key, state.lineage)

    def _plan(  # noqa: PLR0913 - what is planned, and the choices of the caller
        self,
        loaded: Loaded,
        applied: AppliedBlocks,
        *,
        location: str,
        targets: Sequence[str],
        max_creates: int | None,
        key: FingerprintKey | None,
        secrets: SecretSource | None,
        now: datetime,
    ) -> Planned:
        """Plan at `now`. An apply passes the clock's time, so that its guards are reliable.

        Warnings that depend on the time are kept for creates only. Warnings about blocks without a target are
        left out, because the plan's notes say more.
        """
        limits = (max_creates, self._file.max_creates, _MAX_CREATES)
        service = self._service(applied.state)
        comparisons = None
        if key is not None and secrets is not None:
            comparisons = compare_secrets(held_with_secrets(applied), key, secrets)
        plan = make_plan(
            applied,
            now=now,
            max_creates=next(limit for limit in limits if limit is not None),
            targets=targets,
            comparisons=comparisons,
            destination=Destination(
                environment=self._file.environment.name, api_url=service.url, state=location
            ),
            service=service,
            names=loaded.names,
        )
        creates = {change.address for change in plan.having(Action.CREATE)}
        found_now = _about_new(loaded, creates).diagnostics
        warnings = tuple(found for found in found_now if found.code != POINTS_NOWHERE)
        return Planned(plan=replace(plan, warnings=warnings), provenance=loaded.provenance)


def _invalid(found: Sequence[Diagnostic]) -> ReconcilerError:
    """Return the error for diagnostics. A choice that is missing is no mistake in a manifest."""
    choice = next((each for each in found if each.code == "no-environment"), None)
    return ManifestInvalid(found) if choice is None else UsageError(choice.message, hint=choice.hint)


def _about_new(loaded: Loaded, new: AbstractSet[Address]) -> Loaded:
    """Return `loaded` with, of what depends on the time, only what is about exams that are `new`."""
    kept = tuple(
        found
        for found in loaded.diagnostics
        if found.code not in loaded.timely or found.address in new or found.others & new
    )
    return replace(loaded, diagnostics=kept)


def _terms(known: Mapping[str, Term], old: str, new: str) -> tuple[Term, Term]:
    """Return the terms `old` and `new`. Raises UsageError."""
    for name in (old, new):
        if name not in known:
            otherwise = "Define it under `terms` of reconciler.yaml."
            if known:
                otherwise = f"There are: {listed(known)}. {otherwise}"
            raise UsageError(f"there is no term {name!r}", hint=suggestion(name, known, otherwise))
    if old == new:
        raise UsageError(f"{old} is both the old and the new term", hint="Name two terms.")
    return known[old], known[new]


def _notes_of_lock(store: Store, lock: LockInfo | None) -> list[MachineNote]:
    """Return one note on a run that holds `lock`, unless it has certainly ended."""
    if lock is None or (holder := holder_of(store, lock)).liveness is Liveness.ENDED:
        return []
    return [
        MachineNote(
            message=f"{store.location} is locked by {holder}",
            hint="What that run is sending is in doubt until it has recorded the outcome. If it has ended: "
            f"{command('unlock', lock.lock_id)} breaks its lock.",
        )
    ]


def _foreign_notes(paths: Sequence[Path]) -> tuple[MachineNote, ...]:
    """Return one note on all recovery files that this machine did not certainly write."""
    if not paths:
        return ()
    told = first_few([str(path) for path in paths], between=", ")
    return (
        MachineNote(
            message=f"not read, as this machine has not certainly written it: {told}",
            hint="Look at such a file. If you know the run that left it: `reconciler state recover FILE`. If "
            "not, remove it.",
        ),
    )


def _notes_of_spaces(secrets: Sequence[str]) -> tuple[MachineNote, ...]:
    """Return one note on all secrets that begin or end with a space."""
    if not secrets:
        return ()
    return (
        MachineNote(
            message=f"will be sent with the space at its beginning or end: {first_few(secrets)}",
            hint="If the access code in the learning platform has no such space, remove it from the secret.",
        ),
    )


def _refuse_unsafe(plan: Plan, reviewed: Plan | str | None) -> None:
    if reviewed is not None:
        check_expectation(plan, reviewed)
    if plan.guards:
        raise PlanRefused(plan.guards)

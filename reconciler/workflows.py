"""The work that the product does, wired together: validate, plan, apply, and what mends state.

This is the Python API (docs/python-api.md shows it) as well as what the command line calls. Everything is
given by arguments; nothing here prints, asks or reads the environment. Failures are ReconcilerErrors (see
`reconciler.model.errors`).
May import: every room but `cli` and `sandbox`. httpx and asyncio are loaded by `apply` only.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler import custody, host, manifest, planning, service_url, statefile
from reconciler.custody import Form, Recovered, Recovery
from reconciler.late_names import late_names
from reconciler.manifest.lifecycle import POINTS_NOWHERE
from reconciler.manifest.workspace import OF_ENVIRONMENT, Workspace
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.destination import URL_VARIABLE, Destination
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.errors import (
    ManifestInvalid,
    NotConfirmed,
    PlanRefused,
    ResolutionRefused,
    StateError,
    UrlUnusable,
    UsageError,
)
from reconciler.model.identities import Address, ExamSid, is_address, is_exam_sid
from reconciler.model.origins import Origins, Tracing
from reconciler.model.outside_text import tamed
from reconciler.model.plan import Action, Plan
from reconciler.model.rules import Rule
from reconciler.model.secret_marks import SHORTEST_KEY, STATE_KEY_VARIABLE, MarkingKey, Sightings
from reconciler.model.secrets import Unprintable
from reconciler.model.state import Mended, State
from reconciler.model.state_keys import StateKeys
from reconciler.outputs import QuietProgress
from reconciler.planning import settlement
from reconciler.ports import Breaking, Liveness, LockHolder, Progress, SecretSource, StateBackend
from reconciler.secret_sources import Secrets, sightings_of

if TYPE_CHECKING:
    from reconciler.applying import CreateRequest, Stopping
    from reconciler.model.report import Report

__all__ = [
    "DEFAULT_API_URL",
    "DEFAULT_MAX_CREATES",
    "DEFAULT_STATE_URL",
    "FIXED_RULES",
    "READS_FAST",
    "RULE_CODES",
    "Applied",
    "Breaking",
    "Form",
    "Liveness",
    "LockHolder",
    "Planned",
    "Progress",
    "QuietProgress",
    "Recovered",
    "Recovery",
    "Scope",
    "SecretSource",
    "Secrets",
    "Sending",
    "StateKeys",
    "Stopping",
    "Tracing",
    "Watching",
    "adopt",
    "apply",
    "decrypt",
    "encrypt",
    "initialise",
    "lock_holder",
    "migrate",
    "move",
    "plain_text",
    "plan",
    "push",
    "read_state",
    "rebind",
    "recover",
    "remove",
    "resolve",
    "rules",
    "unlock",
    "validate",
]

DEFAULT_STATE_URL: Final = "file:exams.state.json"
DEFAULT_API_URL: Final = service_url.DEFAULT
DEFAULT_MAX_CREATES: Final = 100
RULE_CODES: Final = frozenset(manifest.CODES)
"""The codes of all rules that come with the product."""
FIXED_RULES: Final = manifest.FIXED
"""Those of them that nothing weighs or silences."""
READS_FAST: Final = manifest.IS_FAST
"""Whether PyYAML has its C extension here; without it, manifests are read about ten times as slowly."""

_OTHER_SIDS: Final = {
    "AI": "installs",
    "CS": "course sections",
    "CU": "courses",
    "EC": "exam configurations",
    "EN": "enrollments",
    "ES": "exam sessions",
    "US": "users",
}

__getattr__ = late_names(globals(), {"Stopping": "reconciler.applying"})  # it loads asyncio


class Scope(Struct, frozen=True, kw_only=True):
    """What a piece of work is about.

    `root` is the workspace's directory, and `paths` name manifests below it (none: the workspace file's, or
    the default). `environment_name` chooses from the workspace file. `state_url` and `api_url` win over the
    environment's. `ambient_api_url` is a base URL of the service that merely stands around, such as that of
    the variable SMARTERPROCTORING_URL: it counts where nothing else names one, and apply refuses a plan whose
    environment names another.
    `keys` open a state that is encrypted. `is_strict` makes every warning an error, except where only the
    clock has brought it about: what was right yesterday and has not changed stays right, unless a caller says
    which moment to judge by. `workers` is how many further processes may be started to parse large manifests;
    that changes no result.
    """

    root: Path = field(default_factory=Path.cwd)
    paths: tuple[str, ...] = ()
    environment_name: str | None = None
    state_url: str | None = None
    api_url: str | None = None
    ambient_api_url: str | None = None
    is_strict: bool = False
    keys: StateKeys = field(default_factory=StateKeys)
    workers: int = 0


class Planned(Struct, frozen=True, kw_only=True):
    """A plan, and the warnings that its manifests gave; `origins` is empty unless they were asked for."""

    plan: Plan
    warnings: tuple[Diagnostic, ...]
    origins: Mapping[Address, Origins] = field(default_factory=dict)


class Watching(Unprintable, frozen=True, kw_only=True):
    """How changed values of secrets are noticed: by marks made with `state_key`, of values from `secrets`."""

    state_key: str
    secrets: SecretSource


class Sending(Struct, frozen=True, kw_only=True):
    """How an apply sends. `token` is read when there is something to send, and only then."""

    token: Callable[[], str]
    secrets: SecretSource
    parallelism: int = 10
    timeout_s: float = 30.0
    retry_budget_s: float = 300.0
    is_plain_http_allowed: bool = False


class Applied(Struct, frozen=True, kw_only=True):
    """What an apply was to do and did.

    `state` is as last committed. `backup` is where the one before imports, moves and forgets is kept; None
    where there were none. `trouble` is set where the outcomes are safe in the journal but could not be
    folded into the snapshot; the next command does that. `recovery` says what is left on this machine.
    """

    plan: Plan
    report: "Report"
    state: State
    backup: str | None = None
    trouble: StateError | None = None
    recovery: Recovery = field(default_factory=Recovery)


def rules(root: Path) -> tuple[Rule, ...]:
    """All rules that manifests at `root` are held to: the built-in ones, and those of installed plug-ins."""
    return manifest.find_rules(root).rules


def validate(scope: Scope, *, now: datetime | None = None) -> Loaded:
    """What the manifests declare, and every mistake in them; raises nothing for a mistake.

    `now` is the moment that rules about time take for the present one; None is the clock's. Where the scope
    chooses none of several environments, the manifests are looked at in each, and what is declared is that
    of the first.
    """
    names: tuple[str, ...] = ()
    if scope.environment_name is None:
        names = _read_workspace(scope, manifest.find_rules(scope.root)).environment_names
    if len(names) < 2:  # noqa: PLR2004 - several
        return _load(scope, now=now)[1]
    return _in_each({name: _load(replace(scope, environment_name=name), now=now)[1] for name in names})


def _in_each(loaded: Mapping[str, Loaded]) -> Loaded:
    """One answer for all environments, by name; what is found in some only says in which."""
    found: dict[Diagnostic, list[str]] = {}
    for name, each in loaded.items():
        for diagnostic in dict.fromkeys(each.diagnostics):
            found.setdefault(diagnostic, []).append(name)
    diagnostics = (
        diagnostic
        if len(names) == len(loaded)
        else replace(diagnostic, message=f"{diagnostic.message} (in {' and '.join(names)})")
        for diagnostic, names in found.items()
    )
    return replace(next(iter(loaded.values())), diagnostics=manifest.ordered(diagnostics))


def _read_workspace(scope: Scope, catalogue: manifest.Catalogue) -> Workspace:
    return manifest.load_workspace(
        scope.root, environment_name=scope.environment_name, rules=catalogue.weighable
    )


def _load(scope: Scope, *, now: datetime | None, tracing: Tracing = Tracing.OFF) -> tuple[Workspace, Loaded]:
    catalogue = manifest.find_rules(scope.root)
    workspace = _read_workspace(scope, catalogue)
    ruling = manifest.Ruling(
        catalogue=catalogue,
        weights=workspace.rules,
        now=host.SystemClock().now() if now is None else now,
        is_partial=bool(scope.paths and workspace.manifests),
    )
    reading = manifest.Reading(
        environment=workspace.environment, ruling=ruling, tracing=tracing, workers=scope.workers
    )
    gathered = manifest.gather(scope.paths, scope.root, workspace.manifests)
    loaded = manifest.declare(gathered, reading)
    found = loaded.diagnostics
    if has_errors(workspace.diagnostics):
        found = tuple(each for each in found if each.code not in OF_ENVIRONMENT)
    diagnostics = (*workspace.diagnostics, *found)
    if scope.is_strict:
        spared = loaded.timely if now is None else frozenset[str]()
        diagnostics = tuple(
            found if found.code in spared else replace(found, severity=Severity.ERROR)
            for found in diagnostics
        )
    return workspace, replace(loaded, diagnostics=diagnostics)


def _load_valid(
    scope: Scope, *, now: datetime | None = None, tracing: Tracing = Tracing.OFF
) -> tuple[Workspace, Loaded]:
    workspace, loaded = _load(scope, now=now, tracing=tracing)
    if has_errors(loaded.diagnostics):
        raise ManifestInvalid(loaded.diagnostics)
    return workspace, loaded


def _workspace(scope: Scope) -> Workspace:
    workspace = _read_workspace(scope, manifest.find_rules(scope.root))
    if has_errors(workspace.diagnostics):
        raise ManifestInvalid(workspace.diagnostics)
    return workspace


def _backend(scope: Scope, workspace: Workspace) -> custody.Store:
    url = scope.state_url or workspace.environment.state_url or DEFAULT_STATE_URL
    return custody.open_store(url, root=scope.root, keys=scope.keys)


def initialise(scope: Scope, *, lock_timeout_s: float, form: Form = Form.AS_IT_IS) -> tuple[str, State]:
    """Create an empty state, which is plain unless `form` says otherwise; its location, and itself."""
    backend = _backend(scope, _workspace(scope))
    if form is Form.ENCRYPTED:
        backend.seal()
    state = statefile.initialise(
        backend, lineage=host.new_lineage(), lock=host.lock_info("init"), timeout_s=lock_timeout_s
    )
    return backend.location, state


def migrate(
    scope: Scope, source_url: str, *, lock_timeout_s: float, form: Form = Form.AS_IT_IS
) -> tuple[str, State]:
    """Move the state at `source_url` to where `scope` has it; that location, and the state.

    The old place is left marked, and cannot be used again. What was cut off goes on where it was.
    """
    target = _backend(scope, _workspace(scope))
    state = custody.migrate(
        custody.open_store(source_url, root=scope.root, keys=scope.keys),
        target,
        locks=(host.lock_info("init --migrate-from"), host.lock_info("init --migrate-from")),
        timeout_s=lock_timeout_s,
        form=form,
    )
    return target.location, state


def read_state(scope: Scope) -> State:
    """The state as it is, journal included; nothing is written."""
    return statefile.load_state(_backend(scope, _workspace(scope)))


def plain_text(scope: Scope, document: bytes, *, name: str) -> bytes:
    """`document`, a copy or backup of a state, opened if it is encrypted; `name` names it in errors."""
    return custody.plain_document(document, keys=scope.keys, name=name)


def encrypt(scope: Scope, *, lock_timeout_s: float) -> Mended:
    """Encrypt the state with the present key; one that is encrypted already, anew."""
    lock = host.lock_info("state encrypt")
    return custody.encrypt(_backend(scope, _workspace(scope)), lock=lock, timeout_s=lock_timeout_s)


def decrypt(scope: Scope, *, lock_timeout_s: float) -> Mended:
    """Keep the state as plain text from now on."""
    lock = host.lock_info("state decrypt")
    return custody.decrypt(_backend(scope, _workspace(scope)), lock=lock, timeout_s=lock_timeout_s)


def plan(  # noqa: PLR0913 - each is a choice of the caller's
    scope: Scope,
    *,
    targets: Sequence[str] = (),
    max_creates: int | None = None,
    now: datetime | None = None,
    tracing: Tracing = Tracing.OFF,
    watching: Watching | None = None,
) -> Planned:
    """What an apply would do now. Takes no token and no lock, and writes nothing.

    `now` is the moment that rules and guards take for the present one; None is the clock's. No secret is
    needed, and none is read but by `watching` (None: not at all).
    """
    workspace, loaded = _load_valid(scope, now=now, tracing=tracing)
    known = {exam.digest: exam.payload for exam in loaded.declared.exams}
    backend = _backend(scope, workspace)
    state = statefile.load_state(backend, known)
    sightings = _sightings(loaded.declared, state, watching, _marking_key(watching, state))
    made = _make_plan(
        scope,
        workspace,
        loaded,
        state,
        location=backend.location,
        targets=targets,
        max_creates=max_creates,
        sightings=sightings,
        now=now,
    )
    return _planned(made, loaded)


def _planned(made: Plan, loaded: Loaded) -> Planned:
    """`made` with what its manifests gave.

    What depends on the moment is of use before a create only, and of blocks that point nowhere the plan's
    notes know better.
    """
    creates = {change.address for change in made.changes if change.action is Action.CREATE}
    return Planned(
        plan=made,
        warnings=tuple(
            found
            for found in loaded.diagnostics
            if found.code != POINTS_NOWHERE
            and (found.code not in loaded.timely or found.address in creates or found.others & creates)
        ),
        origins=loaded.origins,
    )


def _marking_key(watching: Watching | None, state: State) -> MarkingKey | None:
    if watching is None:
        return None
    if len(watching.state_key) < SHORTEST_KEY:
        raise UsageError(
            f"{STATE_KEY_VARIABLE} is too short: it needs at least {SHORTEST_KEY} characters",
            hint="Draw one with `openssl rand -hex 32`, keep it with your secrets, and do not change it.",
        )
    return MarkingKey.derive(watching.state_key, state.lineage)


def _sightings(
    declared: Declared, state: State, watching: Watching | None, key: MarkingKey | None
) -> Sightings | None:
    if watching is None or key is None:
        return None
    return {
        exam.address: sightings_of(exam, entry, key, watching.secrets)
        for exam, entry in planning.tracked(declared, state, now=host.SystemClock().now())
    }


def _make_plan(  # noqa: PLR0913 - what is planned, and the choices of the caller
    scope: Scope,
    workspace: Workspace,
    loaded: Loaded,
    state: State,
    *,
    location: str,
    targets: Sequence[str],
    max_creates: int | None,
    sightings: Sightings | None,
    now: datetime | None = None,
) -> Plan:
    """The plan at `now`, or at the clock's moment; an apply never gives another, so that its guards hold.

    `location` is the state's URL, without credentials.
    """
    bound = next(
        limit for limit in (max_creates, workspace.max_creates, DEFAULT_MAX_CREATES) if limit is not None
    )
    service = service_url.choose(
        option=scope.api_url,
        environment=workspace.environment.api_url,
        variable=scope.ambient_api_url,
        bound=state.service,
    )
    return planning.make_plan(
        loaded.declared,
        state,
        now=host.SystemClock().now() if now is None else now,
        max_creates=bound,
        targets=targets,
        sightings=sightings,
        destination=Destination(environment=workspace.environment.name, api_url=service.url, state=location),
        service=service,
    )


async def apply(  # noqa: PLR0913 - each is a port or a choice of the caller's
    scope: Scope,
    *,
    sending: Sending,
    confirm: Callable[[Planned], bool],
    by: str,
    progress: Progress | None = None,
    stopping: "Stopping | None" = None,
    reviewed: Plan | str | None = None,
    targets: Sequence[str] = (),
    max_creates: int | None = None,
    lock_timeout_s: float = 0.0,
    state_key: str | None = None,
    recovery_directory: Path | None = None,
) -> Applied:
    """Create what is missing, under the lock, as the create protocol says.

    The plan is made anew. It is refused if a guard fires, or if it does anything that `reviewed` (a plan or a
    fingerprint) does not. `confirm` sees it last, and may refuse it as well. `by` says who runs this, and
    where; state keeps it with each create in doubt. Without `progress` nothing is told; without `stopping`
    only a cancellation stops the run. Signals are left alone.
    With `state_key` the values of secrets that are sent are marked, and those that were are compared.
    Outcomes are kept in `recovery_directory` (None: below the workspace's) until the store has them.
    """
    from reconciler.applying import Stopping  # noqa: PLC0415 - asyncio loads only to apply

    workspace, loaded = _load_valid(scope)
    backend = _backend(scope, workspace)
    lock = host.lock_info("apply")
    watching = None if state_key is None else Watching(state_key=state_key, secrets=sending.secrets)
    with statefile.open_session(backend, lock=lock, timeout_s=lock_timeout_s) as session:
        folder = recovery_directory or custody.recovery_folder(scope.root)
        strays = custody.sweep(folder, session.state)
        key = _marking_key(watching, session.state)
        sightings = _sightings(loaded.declared, session.state, watching, key)
        planned_at = host.SystemClock().now()
        made = _make_plan(
            scope,
            workspace,
            loaded,
            session.state,
            location=backend.location,
            targets=targets,
            max_creates=max_creates,
            sightings=sightings,
            now=planned_at,
        )
        _refuse_unsafe(made, reviewed)
        creates = planning.planned_creates(made, loaded.declared)
        custody.refuse_strays(strays, {exam.address for exam in creates})
        if creates:
            _refuse_unnamed_service(scope, workspace, made.destination)
        run = _Run(sending, made.destination, creates, key)
        if made.to_make and not confirm(_planned(made, loaded)):
            raise NotConfirmed("the plan was not confirmed", hint="Nothing was sent or changed.")
        if progress is not None:
            progress.planned(made)
        now = host.SystemClock().now()
        changed = planning.apply_state_changes(
            made, loaded.declared, session.state, now=now, by=tamed(by), planned_at=planned_at
        )
        with ExitStack() as stack:
            keeper = None
            if creates:
                keeping = custody.keeping(folder, session.state, lock=lock, location=backend.location)
                keeper = stack.enter_context(keeping)
            backup = None if changed == session.state else session.mend(changed).backup
            report = await run.send(
                session,
                keeper,
                progress=progress or QuietProgress(),
                stopping=stopping or Stopping(),
                by=tamed(by),
            )
            trouble = None if keeper is None else _fold(session, creates)
            recovery = Recovery() if keeper is None else keeper.settle(trouble)
        recovery = replace(recovery, earlier=tuple(stray.path for stray in strays))
        return Applied(
            plan=made, report=report, state=session.state, backup=backup, trouble=trouble, recovery=recovery
        )


def _refuse_unnamed_service(scope: Scope, workspace: Workspace, destination: Destination) -> None:
    """Raise UrlUnusable where nobody but the state names the service, and it is not production.

    Whoever can write to the state's store must not be able to have the token sent to a place of theirs.
    """
    named = (scope.api_url, workspace.environment.api_url, scope.ambient_api_url)
    if destination.api_url != DEFAULT_API_URL and all(url is None for url in named):
        raise UrlUnusable(
            f"nothing but the state says that exams are created at {destination.api_url}",
            hint="Nothing was sent. If that is the service, name it: with apiUrl in reconciler.yaml, with "
            f"--api-url, or with {URL_VARIABLE}.",
        )


def _fold(session: statefile.Session, creates: Sequence[Declaration]) -> StateError | None:
    try:
        session.fold_journal({exam.digest: exam.payload for exam in creates})
    except StateError as error:
        return error
    return None


def _refuse_unsafe(made: Plan, reviewed: Plan | str | None) -> None:
    if reviewed is not None:
        planning.check_expectation(made, reviewed)
    if made.guards:
        raise PlanRefused(made.guards)


class _Run:
    """The sending half of an apply: everything that can be refused is refused when it is made."""

    def __init__(
        self,
        sending: Sending,
        destination: Destination,
        creates: Sequence[Declaration],
        marking_key: MarkingKey | None,
    ) -> None:
        self._sending = sending
        self._marking_key = marking_key
        self._requests: tuple[CreateRequest, ...] = ()
        if not creates:
            return
        from reconciler.api import check_token  # noqa: PLC0415 - httpx loads only to send
        from reconciler.applying import resolve_secrets  # noqa: PLC0415 - as above

        self._url = service_url.check_url(
            destination.api_url or DEFAULT_API_URL, is_plain_http_allowed=sending.is_plain_http_allowed
        )
        self._token = sending.token()
        check_token(self._token, host.SystemClock().now())
        self._requests = resolve_secrets(creates, sending.secrets)

    async def send(
        self,
        session: statefile.Session,
        keeper: custody.Keeper | None,
        *,
        progress: Progress,
        stopping: "Stopping",
        by: str,
    ) -> "Report":
        """Send all requests, with every outcome in the journal on return, and kept by `keeper`.

        `keeper` is None where there is nothing to send.
        """
        if keeper is None:
            from reconciler.model.report import Report  # noqa: PLC0415 - only an apply has one

            return Report(exams=())
        from reconciler.api import BackOff, HttpExamApi  # noqa: PLC0415 - as above
        from reconciler.applying import Executor  # noqa: PLC0415 - as above

        journal = session.begin_journal(keeper.journal)
        try:
            async with HttpExamApi(self._url, self._token, timeout_s=self._sending.timeout_s) as api:
                executor = Executor(
                    api=api,
                    journal=journal,
                    clock=host.SystemClock(),
                    retry=BackOff(budget_s=self._sending.retry_budget_s),
                    progress=progress,
                    stopping=stopping,
                    parallelism=self._sending.parallelism,
                    new_attempt=host.new_attempt,
                    jitter=host.jitter,
                    by=by,
                    service=self._url,
                    known_sids=[entry.sid for entry in session.state.exams.values()],
                    marking_key=self._marking_key,
                )
                return await executor.run(self._requests)
        finally:
            await journal.close()


def adopt(scope: Scope, address: str, sid: str, *, by: str, lock_timeout_s: float) -> Mended:
    """Record that the declared exam `address` exists as `sid`; `by` says who found that, and where."""
    _check_address(address)
    _check_sid(sid)
    workspace, loaded = _load_valid(scope)
    declaration = _declaration_of(loaded, address)
    settler = settlement.Settler(by=tamed(by), at=host.SystemClock().now())
    return _mend(
        scope,
        _backend(scope, workspace),
        lambda state: settlement.adopt(state, declaration, ExamSid(sid), settler),
        command="import",
        lock_timeout_s=lock_timeout_s,
    )


def _declaration_of(loaded: Loaded, address: str) -> Declaration:
    for declaration in loaded.declared.exams:
        if declaration.address == address:
            return declaration
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    nearest = get_close_matches(address, sorted(one.address for one in loaded.declared.exams), n=1)
    question = f"Did you mean {nearest[0]}? Otherwise declare" if nearest else "Declare"
    raise ResolutionRefused(
        f"{address} is not declared in the manifests that were read",
        hint=f"{question} the exam first, as it really is, or give the path of the manifest that does.",
    )


def resolve(  # noqa: PLR0913 - each is one thing that the caller says
    scope: Scope, address: str, *, sid: str | None, by: str, lock_timeout_s: float, attempt: str | None = None
) -> Mended:
    """Settle the in-doubt exam `address`: it was created as `sid`, or (None) it certainly was not.

    `by` says who found that, and where. Refused where the create in doubt is not `attempt` (None: any).
    """
    _check_address(address)
    if sid is not None:
        _check_sid(sid)
    settler = settlement.Settler(by=tamed(by), at=host.SystemClock().now())

    def settle(state: State) -> State:
        if sid is None:
            return settlement.settle_as_absent(state, Address(address), settler, attempt=attempt)
        return settlement.settle_as_created(state, Address(address), ExamSid(sid), settler, attempt=attempt)

    backend = _backend(scope, _workspace(scope))
    return _mend(scope, backend, settle, command="resolve", lock_timeout_s=lock_timeout_s)


def move(scope: Scope, source: str, target: str, *, lock_timeout_s: float) -> Mended:
    """Keep the exam at the address `source` at `target` from now on."""
    _check_address(source)
    _check_address(target)
    return _mend(
        scope,
        _backend(scope, _workspace(scope)),
        lambda state: settlement.move(state, Address(source), Address(target)),
        command="state mv",
        lock_timeout_s=lock_timeout_s,
    )


def remove(scope: Scope, address: str, *, lock_timeout_s: float) -> Mended:
    """Forget the exam at `address`; the exam itself stays as it is."""
    _check_address(address)
    return _mend(
        scope,
        _backend(scope, _workspace(scope)),
        lambda state: settlement.remove(state, Address(address)),
        command="state rm",
        lock_timeout_s=lock_timeout_s,
    )


def rebind(scope: Scope, url: str, *, lock_timeout_s: float) -> Mended:
    """Say that the exams in state are at the service with the base URL `url`."""
    return _mend(
        scope,
        _backend(scope, _workspace(scope)),
        lambda state: replace(state, service=service_url.normalised(url)),
        command="state rebind",
        lock_timeout_s=lock_timeout_s,
    )


def push(scope: Scope, document: bytes, *, name: str, lock_timeout_s: float) -> Mended:
    """Make `document` the state: one of the same lineage and a later serial. `name` names it in errors."""
    plain = custody.plain_document(document, keys=scope.keys, name=name)
    pushed = statefile.decode_state(plain, location=name)
    backend = _backend(scope, _workspace(scope))
    lock = host.lock_info("state push")
    with statefile.open_session(backend, lock=lock, timeout_s=lock_timeout_s) as session:
        return session.push(pushed)


def recover(scope: Scope, document: bytes, *, name: str, lock_timeout_s: float) -> Recovered:
    """Feed the recovery file `document` back into state; `name` names it in errors."""
    return custody.recover(
        _backend(scope, _workspace(scope)),
        document,
        name=name,
        lock=host.lock_info("state recover"),
        timeout_s=lock_timeout_s,
    )


def lock_holder(scope: Scope) -> tuple[str, LockHolder | None]:
    """The state's location, and who holds its lock or was killed with it; None where nobody is."""
    backend = _backend(scope, _workspace(scope))
    return backend.location, backend.lock_holder()


def unlock(scope: Scope, lock_id: str, *, breaking: Breaking) -> LockHolder:
    """Break the lock `lock_id`; who held it."""
    return _backend(scope, _workspace(scope)).break_lock(lock_id, breaking=breaking)


def _check_address(address: str) -> None:
    if not is_address(address):
        raise UsageError(
            f"{address!r} is not an address", hint="Write it as in the manifest, like cs101/final."
        )


def _check_sid(sid: str) -> None:
    if is_exam_sid(sid):
        return
    hint = "It is EX and 32 characters from 0-9 and a-f."
    respelt = f"EX{sid.strip()[2:].lower()}"
    if sid.strip()[:2].upper() == "EX" and is_exam_sid(respelt):
        hint = f"Its letters are small ones behind EX: did you mean {respelt}?"
    elif (whose := _OTHER_SIDS.get(sid[:2])) is not None:
        hint = f"SIDs with {sid[:2]} are those of {whose}. {hint}"
    raise UsageError(f"{sid!r} is not an exam's SID", hint=hint)


def _mend(
    scope: Scope,
    backend: StateBackend,
    change: Callable[[State], State],
    *,
    command: str,
    lock_timeout_s: float,
) -> Mended:
    with statefile.open_session(backend, lock=host.lock_info(command), timeout_s=lock_timeout_s) as session:
        # Before state forgets anything: what a killed run left is superfluous once state has it.
        custody.sweep(custody.recovery_folder(scope.root), session.state)
        return session.mend(change(session.state))

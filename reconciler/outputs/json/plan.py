"""The JSON format of plans, written and read. Each field is declared once, in the classes here."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.destination import Destination
from reconciler.model.diagnostics import Position
from reconciler.model.errors import ExpectationFailed, UsageError
from reconciler.model.identities import Address, AttemptId, CourseSid, Digest, ExamSid, InstallSid
from reconciler.model.payloads import Document, Json, Payload, digest_of
from reconciler.model.plan import ABSENT, Action, Change, FieldDiff, Guard, Note, Plan
from reconciler.model.provenance import NO_PROVENANCE, Layer, Provenance, ValueSource
from reconciler.model.state import Intent, UnclearAnswer
from reconciler.model.stored_values import Count, Instant, problem_of
from reconciler.outputs.accepting import accepting_advice_of
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.json.diagnostics import WrittenDiagnostic, read_diagnostic, written_diagnostic
from reconciler.outputs.listing import Listing

FORMAT_VERSION: Final = "2.0"
_EARLIER_MAJOR: Final = "1"
_VERSION: Final = re.compile(r"([0-9]{1,9})\.[0-9]{1,9}", re.ASCII)
_PATH_STEP: Final = re.compile(r"[^.\[\]]+")
_REMAKE: Final = "Make it again with `reconciler plan --out FILE`, and have that reviewed."
_UNKNOWN_ANSWER: Final = UnclearAnswer(status=None, reason="unknown: an earlier version wrote the file")
_SUMMARY: Final = {"inDoubt" if action is Action.IN_DOUBT else action.value: action for action in Action}
"""The keys of the summary in order, and what each counts."""


class _Written(Struct, rename="camel", omit_defaults=True):
    """An object of the format; fields at their defaults are left out."""


class _Settle(_Written, kw_only=True):
    options: tuple[str, ...]
    commands: tuple[str, str]
    manifest: tuple[str, str]


class _Doubt(_Written, kw_only=True):
    course: str | None = None
    attempt: AttemptId
    started_at: Instant
    by: str
    status: int | None
    answer: str | None
    look: tuple[str, ...]
    support_message: str
    settle: _Settle
    request_id: str | None = None
    sids: tuple[ExamSid, ...] = ()


class _Accept(_Written, kw_only=True):
    options: tuple[str, ...]
    command: str
    manifest: str | None = None


class _ValueSource(_Written, kw_only=True):
    file: str | None
    line: int | None
    column: int | None
    layer: Layer
    name: str | None = None


class _Line(_Written, kw_only=True):
    address: Address
    action: Action
    install_sid: InstallSid
    course_sid: CourseSid
    sid: ExamSid | None
    digest: Digest
    source: Position | None
    before: Payload | None
    after: Payload | None
    diff: tuple[FieldDiff, ...]
    moved_from: Address | None = None
    attempt: AttemptId | None = None
    started_at: Instant | None = None
    doubt: _Doubt | None = None
    timezone: str | None = None
    course: str | None = None
    term: str | None = None
    section: str | None = None
    reason: str | None = None
    accept: _Accept | None = None
    provenance: dict[str, _ValueSource] | None = None

    def __post_init__(self) -> None:
        if (self.attempt is None) is not (self.started_at is None) or (self.doubt and not self.attempt):
            raise ValueError("`attempt`, `startedAt` and `doubt` do not fit each other")


class _State(_Written, kw_only=True):
    lineage: str
    serial: Count


class _Plan(_Written, kw_only=True):
    format_version: str
    summary: dict[str, Count]
    fingerprint: Digest
    destination: Destination
    refused: tuple[Guard, ...]
    state: _State
    changes: tuple[_Line, ...]
    notes: tuple[Note, ...] = ()
    warnings: tuple[WrittenDiagnostic, ...] = ()
    names: dict[str, str] = {}


_SAME_IN_CHANGE: Final = [name for name in _Line.__struct_fields__ if name in Change.__struct_fields__]


class SavedPlan(Plan, frozen=True, kw_only=True):
    """A plan from a file.

    The file may count exams that are up to date without listing them: `unlisted_noop` is their number.
    `invocation` holds the options of its commands to copy. `provenance` is that of the changes that have it.
    """

    unlisted_noop: int
    invocation: Invocation
    provenance: Mapping[Address, Provenance]

    def count(self, action: Action) -> int:
        """Return the number of changes with `action`, unlisted ones included."""
        listed = Plan.count(self, action)
        return listed + self.unlisted_noop if action is Action.NOOP else listed


def plan_document(
    plan: Plan,
    *,
    listing: Listing,
    invocation: Invocation = NO_OPTIONS,
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
) -> Document:
    """Return `plan` in the plan format.

    `notes`, `warnings` and `names` are left out if there are none, `provenance` if it is unknown, and for
    exams that are up to date.
    """
    written = _Plan(
        format_version=FORMAT_VERSION,
        summary={key: plan.count(action) for key, action in _SUMMARY.items()},
        fingerprint=plan.fingerprint,
        destination=plan.destination,
        refused=plan.guards,
        state=_State(lineage=plan.lineage, serial=plan.serial),
        changes=tuple(_line(change, invocation, provenance) for change in listing.of(plan)),
        notes=plan.notes,
        warnings=tuple(map(written_diagnostic, plan.warnings)),
        names=dict(plan.names),
    )
    document: Document = msgspec.to_builtins(written)
    return document


def _line(change: Change, invocation: Invocation, provenance: Mapping[Address, Provenance]) -> _Line:
    doubt = in_doubt_report_of(change, invocation)
    is_traced = change.after is not None and change.action is not Action.NOOP
    sources = provenance.get(change.address, {}) if is_traced else {}
    return _Line(
        **{name: getattr(change, name) for name in _SAME_IN_CHANGE},
        attempt=None if change.intent is None else change.intent.attempt,
        started_at=None if change.intent is None else change.intent.started_at,
        doubt=None if doubt is None else _doubt(doubt),
        accept=_accept(change, invocation),
        provenance={path: _value_source(sources[path]) for path in sorted(sources)} or None,
    )


def _accept(change: Change, invocation: Invocation) -> _Accept | None:
    advice = accepting_advice_of(change, invocation)
    if advice is None:
        return None
    return _Accept(options=invocation.options, command=advice.command, manifest=advice.manifest)


def _value_source(source: ValueSource) -> _ValueSource:
    at = source.position
    return _ValueSource(
        file=None if at is None else at.file,
        line=None if at is None else at.line,
        column=None if at is None else at.column,
        layer=source.layer,
        name=source.name,
    )


def _source(written: _ValueSource) -> ValueSource:
    position = None
    if written.file is not None and written.line is not None and written.column is not None:
        position = Position(written.file, written.line, written.column)
    return ValueSource(layer=written.layer, name=written.name, position=position)


def _doubt(doubt: InDoubtReport) -> _Doubt:
    intent, answer = doubt.intent, doubt.answer
    return _Doubt(
        course=doubt.course,
        attempt=intent.attempt,
        started_at=intent.started_at,
        by=intent.by,
        status=answer.status,
        answer=None if intent.answer is None else answer.reason,
        request_id=answer.request_id,
        sids=answer.sids,
        look=doubt.look,
        support_message=doubt.support_message,
        settle=_Settle(options=doubt.invocation.options, commands=doubt.commands, manifest=doubt.manifest),
    )


def doubt_document(doubt: InDoubtReport) -> Document:
    """Return `doubt` as JSON, the same in plans and reports."""
    document: Document = msgspec.to_builtins(_doubt(doubt))
    return document


def decode_plan(data: bytes, *, name: str) -> SavedPlan:
    """Return the plan in `data`, the content of the file `name`.

    A file lacks the payloads of intents; a file of format 1 also lacks aliases of courses, authors and
    answers of intents, and of the destination all but the environment.
    Raise UsageError if it is not a plan, or of a format that this version cannot read; ExpectationFailed if
    it was edited.
    """
    written = _read(data, name)
    try:
        plan = _plan(written)
        is_unedited = _is_unedited(plan, written)
    except (ValueError, RecursionError) as reason:  # a lone surrogate, or nested too deeply
        raise _not_a_plan(name, "it holds a value that is not valid") from reason
    if not is_unedited:
        raise ExpectationFailed(
            f"{name}: the plan was edited after it was made: its changes do not match its fingerprint",
            hint=_REMAKE,
        )
    return plan


def _not_a_plan(name: str, why: str) -> UsageError:
    return UsageError(f"{name}: not a plan: {why}", hint=_REMAKE)


def _read(data: bytes, name: str) -> _Plan:
    """Return the fields in `data`, upgraded to the current format."""
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as reason:
        raise _not_a_plan(name, "the file is not JSON") from reason
    if not isinstance(document, dict):
        raise _not_a_plan(name, "the file does not hold a JSON object")
    version = document.get("formatVersion")
    parts = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if parts is None:
        raise _not_a_plan(name, "it has no 'formatVersion'")
    is_earlier = parts[1] == _EARLIER_MAJOR
    if not is_earlier and parts[1] != FORMAT_VERSION.partition(".")[0]:
        raise UsageError(
            f"{name}: the plan is of format {parts[0]}, and this version reads format {FORMAT_VERSION}",
            hint=f"Read it with the version of reconciler that wrote it. {_REMAKE}",
        )
    try:
        written = msgspec.convert(_upgraded(document) if is_earlier else document, _Plan)
        # A newer minor version may have fields that this version does not know; they are ignored.
        is_known = version != FORMAT_VERSION or _spelt(msgspec.to_builtins(written)) == _spelt(document)
    except msgspec.ValidationError as error:
        raise _not_a_plan(name, problem_of(error, "plan")) from error
    except RecursionError as error:
        raise _not_a_plan(name, "it is nested too deeply") from error
    if not is_known:
        raise _not_a_plan(name, f"it has other fields than those of format {FORMAT_VERSION}")
    if not is_earlier and None in {written.destination.api_url, written.destination.state}:
        raise _not_a_plan(name, "it does not name its service and its state")
    return written


def _finite(text: str) -> float:
    """Return the number `text`. Raise ValueError for NaN and infinities, which are not valid JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _spelt(document: object) -> str:
    return json.dumps(document, sort_keys=True)


def _upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Return `document` of format 1 in format 2; invalid parts are kept, to be refused later."""
    summary = document.get("summary")
    return document | {
        "summary": {**summary, "accept": 0} if isinstance(summary, dict) else summary,
        "refused": document.get("guards", []),
        "destination": {"environment": document.get("environment")},
    }


def _plan(written: _Plan) -> SavedPlan:
    changes = tuple(map(_change, written.changes))
    listed_noop = sum(change.action is Action.NOOP for change in changes)
    hints = (line.accept if line.doubt is None else line.doubt.settle for line in written.changes)
    options = next((hint.options for hint in hints if hint is not None), ())
    return SavedPlan(
        lineage=written.state.lineage,
        serial=written.state.serial,
        destination=written.destination,
        changes=changes,
        guards=written.refused,
        notes=written.notes,
        warnings=tuple(map(read_diagnostic, written.warnings)),
        names=written.names,
        provenance={
            line.address: {path: _source(source) for path, source in line.provenance.items()}
            for line in written.changes
            if line.provenance is not None
        },
        unlisted_noop=written.summary.get("noop", 0) - listed_noop,
        invocation=Invocation(options),
    )


def _change(line: _Line) -> Change:
    same = {name: getattr(line, name) for name in _SAME_IN_CHANGE}
    return Change(
        **same | {"diff": tuple(_with_absences(one, line) for one in line.diff)},
        intent=_intent(line),
    )


def _intent(line: _Line) -> Intent | None:
    if line.attempt is None or line.started_at is None:
        return None
    return Intent(
        attempt=line.attempt,
        digest=line.digest,
        install_sid=line.install_sid,
        course_sid=line.course_sid,
        payload=line.before or line.after or {},
        started_at=line.started_at,
        by="" if line.doubt is None else line.doubt.by,
        answer=_UNKNOWN_ANSWER if line.doubt is None else _answer(line.doubt),
    )


def _answer(doubt: _Doubt) -> UnclearAnswer | None:
    if doubt.answer is None:
        return None
    return UnclearAnswer(
        status=doubt.status, reason=doubt.answer, request_id=doubt.request_id, sids=doubt.sids
    )


def _with_absences(one: FieldDiff, line: _Line) -> FieldDiff:
    """Return `one` with ABSENT instead of null for a field that a payload does not have."""
    before = ABSENT if one.before is None and not _holds(line.before, one.path) else one.before
    after = ABSENT if one.after is None and not _holds(line.after, one.path) else one.after
    return replace(one, before=before, after=after)


def _holds(payload: Json, path: str) -> bool:
    here = payload
    for step in _PATH_STEP.findall(path):
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            return False
    return True


def _is_unedited(plan: SavedPlan, written: _Plan) -> bool:
    """Return whether fingerprint, summary, order and digests match the changes."""
    counted = Counter(change.action for change in plan.changes if change.action is not Action.NOOP)
    addresses = [change.address for change in plan.changes]
    return (
        plan.fingerprint == written.fingerprint
        and plan.unlisted_noop >= 0
        and all(
            written.summary.get(key) == counted[action]
            for key, action in _SUMMARY.items()
            if action is not Action.NOOP
        )
        and addresses == sorted(set(addresses))
        and all(_shows_its_digest(change) for change in plan.changes)
    )


def _shows_its_digest(change: Change) -> bool:
    """Return whether the payload that a reviewer saw is the one that the fingerprint covers."""
    if change.after is None:
        return change.action is not Action.CREATE
    return digest_of(change.after) == change.digest

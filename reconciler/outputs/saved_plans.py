"""Plans read back from the files that `plan --out` writes."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator

from reconciler import schemas
from reconciler.model.destination import Destination
from reconciler.model.errors import ExpectationFailed, UsageError
from reconciler.model.identities import (
    Address,
    AttemptId,
    CourseSid,
    Digest,
    ExamSid,
    InstallSid,
    is_address,
    is_attempt_id,
    is_course_sid,
    is_digest,
    is_exam_sid,
    is_install_sid,
)
from reconciler.model.payloads import Json, Payload, digest_of
from reconciler.model.plan import ABSENT, Absent, Action, Change, FieldDiff, Guard, Note, Plan
from reconciler.model.positions import Position
from reconciler.model.state import Answer, Intent
from reconciler.outputs.documents import PLAN_VERSION, SUMMARY_KEYS
from reconciler.outputs.invocation import Invocation

_EARLIER_MAJOR: Final = "1"
_UNSAID_BY_EARLIER: Final = {"$.destination.apiUrl", "$.destination.state"}
_REMAKE: Final = "Make it again with `reconciler plan --out FILE`, and have that reviewed."
_FORMAT_VERSION: Final = re.compile(r"([0-9]{1,9})\.[0-9]{1,9}", re.ASCII)
_PATH_STEP: Final = re.compile(r"[^.\[\]]+")
_UNTOLD: Final = Answer(status=None, reason="not told by this file, which an earlier version wrote")
_IDENTITIES: Final = {
    "address": is_address,
    "movedFrom": is_address,
    "installSid": is_install_sid,
    "courseSid": is_course_sid,
    "sid": is_exam_sid,
    "digest": is_digest,
    "attempt": is_attempt_id,
}


class SavedPlan(Plan, frozen=True, kw_only=True):
    """A plan from a file, which may count exams that are up to date without listing them.

    `invocation` holds the options that its commands to copy have.
    """

    unlisted_noop: int
    invocation: Invocation

    def count(self, action: Action) -> int:
        """How many changes have `action`, those included that the file only counts."""
        listed = Plan.count(self, action)
        return listed + self.unlisted_noop if action is Action.NOOP else listed


def decode_plan(data: bytes, *, name: str) -> SavedPlan:
    """The plan that `data`, the content of the file called `name`, holds.

    Aliases of courses are in the file for exams in doubt only. An intent comes back without its payload, and
    from a file of an earlier version also without its author and answer. A file of format 1 does not say
    where it goes, but for the environment.
    Raises UsageError where it is no plan of a format that this version reads, and ExpectationFailed where it
    was edited.
    """
    document = _checked(_parse(data, name), name)
    try:
        plan = _plan(document)
        is_sealed = _is_sealed(plan, document)
    except ValueError as reason:  # a day that no calendar has, text that no encoding has
        raise UsageError(f"{name}: not a plan: it holds a value that cannot be", hint=_REMAKE) from reason
    if not is_sealed:
        raise ExpectationFailed(
            f"{name}: the plan was edited after it was made: its changes do not match its fingerprint",
            hint=_REMAKE,
        )
    return plan


def _parse(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as reason:
        raise UsageError(f"{name}: not a plan: the file is not JSON", hint=_REMAKE) from reason
    if not isinstance(document, dict):
        raise UsageError(f"{name}: not a plan: the file does not hold a JSON object", hint=_REMAKE)
    return document


def _finite(text: str) -> float:
    """The number that `text` spells; ValueError for NaN and infinities, which JSON does not have."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _checked(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return `document` in the shape of our major version; raise UsageError unless it fits the schema.

    A newer minor version may have keys that we do not know; they are left unread.
    """
    version = document.get("formatVersion")
    parts = _FORMAT_VERSION.fullmatch(version) if isinstance(version, str) else None
    if parts is None:
        raise UsageError(f"{name}: not a plan: it has no 'formatVersion'", hint=_REMAKE)
    if parts[1] not in {_EARLIER_MAJOR, PLAN_VERSION.partition(".")[0]}:
        raise UsageError(
            f"{name}: the plan is of format {parts[0]}, and this version reads format {PLAN_VERSION}",
            hint=f"Read it with the version of reconciler that wrote it. {_REMAKE}",
        )
    is_earlier = parts[1] == _EARLIER_MAJOR
    current = _upgraded(document) if is_earlier else document
    found = _misfits(current, is_ours=parts[0] == PLAN_VERSION)
    misfit = next((path for path in found if not (is_earlier and path in _UNSAID_BY_EARLIER)), None)
    if misfit is not None:
        raise UsageError(f"{name}: not a plan: {misfit} is not as the plan format says", hint=_REMAKE)
    return current


def _upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a `document` of format 1 in the shape of format 2; what does not fit is left as it is."""
    rest = {key: value for key, value in document.items() if key not in {"environment", "guards"}}
    summary = document.get("summary")
    return rest | {
        "formatVersion": PLAN_VERSION,
        "summary": {**summary, "accept": 0} if isinstance(summary, dict) else summary,
        "refused": document.get("guards", []),
        "destination": {
            "environment": document.get("environment"),
            "apiUrl": None,
            "installSids": [],
            "state": None,
        },
    }


def _misfits(document: dict[str, Any], *, is_ours: bool) -> Iterator[str]:
    for error in _validator().iter_errors(document):
        if is_ours or error.validator != "additionalProperties":
            yield error.json_path
    # Python's `$` lets a newline pass that the patterns of the schema mean to refuse.
    for number, change in enumerate(document["changes"]):
        for key, accepts in _IDENTITIES.items():
            if change.get(key) is not None and not accepts(change[key]):
                yield f"$.changes[{number}].{key}"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schemas.load("plan"))


def _plan(document: dict[str, Any]) -> SavedPlan:
    changes = tuple(_change(one) for one in document["changes"])
    listed_noop = sum(change.action is Action.NOOP for change in changes)
    return SavedPlan(
        lineage=document["state"]["lineage"],
        serial=int(document["state"]["serial"]),
        destination=_destination(document["destination"]),
        changes=changes,
        guards=tuple(_guard(one) for one in document["refused"]),
        notes=tuple(_note(one) for one in document.get("notes", ())),
        unlisted_noop=int(document["summary"]["noop"]) - listed_noop,
        invocation=_invocation(document),
    )


def _destination(document: dict[str, Any]) -> Destination:
    return Destination(
        environment=document["environment"],
        api_url=document["apiUrl"],
        install_sids=tuple(map(InstallSid, document["installSids"])),
        state=document["state"],
    )


def _invocation(document: dict[str, Any]) -> Invocation:
    doubts = (one["doubt"] for one in document["changes"] if "doubt" in one)
    return Invocation(next((tuple(doubt["settle"]["options"]) for doubt in doubts), ()))


def _is_sealed(plan: SavedPlan, document: Mapping[str, Any]) -> bool:
    """Whether fingerprint, summary, order and digests are those that this product would write."""
    counted = Counter(change.action for change in plan.changes if change.action is not Action.NOOP)
    addresses = [change.address for change in plan.changes]
    return (
        plan.fingerprint == document["fingerprint"]
        and plan.unlisted_noop >= 0
        and all(
            document["summary"][key] == counted[action]
            for key, action in SUMMARY_KEYS.items()
            if action is not Action.NOOP
        )
        and addresses == sorted(set(addresses))
        and all(_shows_its_digest(change) for change in plan.changes)
    )


def _shows_its_digest(change: Change) -> bool:
    """Whether the declared body that a reviewer saw is the one that the fingerprint covers."""
    if change.after is None:
        return change.action is not Action.CREATE
    return digest_of(change.after) == change.digest


def _change(document: dict[str, Any]) -> Change:
    before, after = document["before"], document["after"]
    return Change(
        address=Address(document["address"]),
        action=Action(document["action"]),
        install_sid=InstallSid(document["installSid"]),
        course_sid=CourseSid(document["courseSid"]),
        sid=None if document["sid"] is None else ExamSid(document["sid"]),
        digest=Digest(document["digest"]),
        source=None if document["source"] is None else _position(document["source"]),
        before=before,
        after=after,
        diff=tuple(_difference(one, before=before, after=after) for one in document["diff"]),
        moved_from=Address(document["movedFrom"]) if "movedFrom" in document else None,
        intent=_intent(document) if "attempt" in document else None,
        course=document.get("doubt", {}).get("course"),
        timezone=document.get("timezone"),
    )


def _intent(document: dict[str, Any]) -> Intent:
    doubt = document.get("doubt")
    return Intent(
        attempt=AttemptId(document["attempt"]),
        digest=Digest(document["digest"]),
        install_sid=InstallSid(document["installSid"]),
        course_sid=CourseSid(document["courseSid"]),
        payload=document["before"] or document["after"] or {},
        started_at=datetime.fromisoformat(document["startedAt"]),
        by="" if doubt is None else doubt["by"],
        answer=_UNTOLD if doubt is None else _answer(doubt),
    )


def _answer(doubt: dict[str, Any]) -> Answer | None:
    if doubt["answer"] is None:
        return None
    status = None if doubt["status"] is None else int(doubt["status"])
    return Answer(
        status=status,
        reason=doubt["answer"],
        request_id=doubt.get("requestId"),
        sids=tuple(map(ExamSid, doubt.get("sids", ()))),
    )


def _difference(document: dict[str, Any], *, before: Payload | None, after: Payload | None) -> FieldDiff:
    path = document["path"]
    return FieldDiff(
        path=path,
        before=_side(document["before"], path, before),
        after=_side(document["after"], path, after),
        is_of_value=document.get("valueDiffers", False),
    )


def _side(value: Json, path: str, payload: Payload | None) -> "Json | Absent":
    """`value`, or ABSENT where it is the null that stands for a field that `payload` does not have."""
    return ABSENT if value is None and not _holds(payload, path) else value


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


def _position(document: dict[str, Any]) -> Position:
    return Position(document["file"], int(document["line"]), int(document["column"]))


def _guard(document: dict[str, Any]) -> Guard:
    return Guard(
        code=document["code"],
        message=document["message"],
        hint=document["hint"],
        addresses=tuple(Address(address) for address in document["addresses"]),
    )


def _note(document: dict[str, Any]) -> Note:
    return Note(
        code=document["code"],
        message=document["message"],
        hint=document["hint"],
        source=None if document["source"] is None else _position(document["source"]),
        addresses=tuple(Address(address) for address in document["addresses"]),
    )

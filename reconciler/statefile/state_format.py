"""The snapshot's format: JSON, keys sorted, indented, a trailing newline, so that it reviews well in git."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.model.errors import StateDamaged, StateMoved, StateTooNew
from reconciler.model.identities import (
    Address,
    AttemptId,
    ConfigurationSid,
    CourseSid,
    Digest,
    ExamSid,
    InstallSid,
    is_address,
    is_attempt_id,
    is_configuration_sid,
    is_course_sid,
    is_digest,
    is_exam_sid,
    is_install_sid,
    is_lineage,
)
from reconciler.model.passage import Mark, Passage
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.state import Acceptance, Answer, Entry, Intent, Resolution, Settling, State
from reconciler.statefile import fields
from reconciler.statefile.fields import MalformedError
from reconciler.statefile.marks_format import decode_marks, encode_marks

FORMAT_VERSION: Final = 4
_PLAIN_VERSION: Final = 1
_MARKED_VERSION: Final = 2
"""Earlier versions, which are read: 1 has no mark of a migration, 2 has one. Encrypted states have 3."""

_STATE_KEYS: Final = frozenset(
    {"formatVersion", "lineage", "serial", "service", "exams", "intents", "resolutions", "acceptances"}
)
_KEYS_SINCE_4: Final = frozenset({"service", "acceptances"})
_MARKS: Final = frozenset(passage.value for passage in Passage)
_ENTRY_KEYS: Final = frozenset(
    {"sid", "installSid", "courseSid", "digest", "payload", "createdAt", "secrets", "configurationSid"}
)
_ANSWER_KEYS: Final = frozenset({"status", "reason", "requestId", "sids"})
_INTENT_KEYS: Final = frozenset(
    {"attempt", "digest", "installSid", "courseSid", "payload", "startedAt", "by", "answer", "secrets"}
)
_RESOLUTION_KEYS: Final = frozenset({"address", "attempt", "sid", "by", "at", "how"})
_ACCEPTANCE_KEYS: Final = frozenset({"address", "sid", "before", "digest", "by", "at", "reason"})
_SETTLINGS: Final = frozenset(settling.value for settling in Settling)

RESTORE_HINT: Final = (
    "Nothing was changed. Restore the file from version control or a backup; "
    "do not run `init` instead, because an empty state would create every exam again."
)


def empty_state(lineage: str) -> State:
    """A state that knows no exam yet."""
    return State(lineage=lineage, serial=0, exams={}, intents={})


def encode_state(state: State, mark: Mark | None = None) -> bytes:
    """The snapshot's bytes; equal states give equal bytes. With a `mark`, nothing but a migration uses it."""
    document: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "service": state.service,
        "exams": {address: _encode_entry(entry) for address, entry in state.exams.items()},
        "intents": {address: encode_intent(intent) for address, intent in state.intents.items()},
    }
    if mark is not None:
        document[mark.passage.value] = mark.elsewhere
    if state.resolutions:
        document["resolutions"] = sorted(map(_encode_resolution, state.resolutions), key=_age)
    if state.acceptances:
        document["acceptances"] = [_encode_acceptance(one) for one in state.acceptances]
    return f"{json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _encode_entry(entry: Entry) -> dict[str, Any]:
    encoded = {
        "sid": entry.sid,
        "installSid": entry.install_sid,
        "courseSid": entry.course_sid,
        "digest": entry.digest,
        "payload": entry.payload,
        "createdAt": fields.spell_instant(entry.created_at),
    }
    if entry.configuration_sid is not None:
        encoded["configurationSid"] = entry.configuration_sid
    return encoded if entry.secrets is None else encoded | {"secrets": encode_marks(entry.secrets)}


def _encode_acceptance(acceptance: Acceptance) -> dict[str, Any]:
    encoded = {
        "address": acceptance.address,
        "sid": acceptance.sid,
        "before": acceptance.before,
        "digest": acceptance.digest,
        "by": acceptance.by,
        "at": fields.spell_instant(acceptance.at),
    }
    return encoded if acceptance.reason is None else encoded | {"reason": acceptance.reason}


def _encode_resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "address": resolution.address,
        "attempt": resolution.attempt,
        "sid": resolution.sid,
        "by": resolution.by,
        "at": fields.spell_instant(resolution.at),
        "how": resolution.how.value,
    }


def _age(encoded: dict[str, Any]) -> tuple[str, ...]:
    """Orders encoded resolutions as a decoded state has them: the oldest first."""
    return tuple(encoded[key] or "" for key in ("at", "address", "attempt", "sid", "how", "by"))


def encode_intent(intent: Intent) -> dict[str, Any]:
    """An intent as an object; `answer` and `secrets` are left out where there are none."""
    encoded: dict[str, Any] = {
        "attempt": intent.attempt,
        "digest": intent.digest,
        "installSid": intent.install_sid,
        "courseSid": intent.course_sid,
        "payload": intent.payload,
        "startedAt": fields.spell_instant(intent.started_at),
        "by": intent.by,
    }
    if intent.answer is not None:
        encoded["answer"] = encode_answer(intent.answer)
    return encoded if intent.secrets is None else encoded | {"secrets": encode_marks(intent.secrets)}


def encode_answer(answer: Answer) -> dict[str, Any]:
    """An answer as an object; `requestId` and `sids` are left out where there are none."""
    encoded: dict[str, Any] = {"status": answer.status, "reason": answer.reason}
    if answer.request_id is not None:
        encoded["requestId"] = answer.request_id
    return encoded | {"sids": list(answer.sids)} if answer.sids else encoded


def decode_state(data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
    """The state in `data`; `location` names it in errors.

    `payloads` are known payloads by digest: an entry with an equal one holds that very object, no copy.
    Raises StateMoved for one that is marked, StateTooNew for a later format, and StateDamaged for what this
    product would not have written.
    """
    state, mark = decode_marked(data, location=location, payloads=payloads)
    if mark is not None:
        raise _moved(mark, location)
    return state


def _moved(mark: Mark, location: str) -> StateMoved:
    if mark.passage is Passage.MOVED_TO:
        return StateMoved(
            f"{location} was moved to {mark.elsewhere}",
            hint="Give that as --state, or as `state` in reconciler.yaml (a relative path is below the "
            "workspace's directory). What is left here is history.",
            location=location,
            elsewhere=mark.elsewhere,
        )
    return StateMoved(
        f"{location} is being moved here from {mark.elsewhere}, and that has not ended",
        hint=f"Give it the time, or end it: `reconciler init --migrate-from {mark.elsewhere}` with this "
        "--state or --env.",
        location=location,
        elsewhere=mark.elsewhere,
    )


def decode_marked(
    data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> tuple[State, Mark | None]:
    """As `decode_state`, with the mark of one that is marked in place of StateMoved."""
    try:
        document = fields.mapping(fields.decode_json(data, payloads), "the state")
        version = fields.integer(document, "formatVersion", "state")
        if version > FORMAT_VERSION:
            raise StateTooNew(
                f"{location} has format version {version}, and this reconciler knows {FORMAT_VERSION}",
                hint="Upgrade reconciler to at least the version that wrote it.",
                location=location,
            )
        mark = _decode_mark(document)
        return _decode_document({key: document[key] for key in document if key not in _MARKS}), mark
    except MalformedError as error:
        raise StateDamaged(
            f"{location} is not a state of this tool: {error}", hint=RESTORE_HINT, location=location
        ) from error


def _decode_mark(document: Mapping[str, object]) -> Mark | None:
    """The mark in `document`, one at most: none in version 1, one in version 2."""
    marks = [passage for passage in Passage if passage.value in document]
    allowed = {FORMAT_VERSION: {0, 1}, _PLAIN_VERSION: {0}, _MARKED_VERSION: {1}}
    if len(marks) not in allowed.get(fields.integer(document, "formatVersion", "state"), ()):
        raise MalformedError("state.formatVersion does not say what is there")
    return next(
        (Mark(passage=mark, elsewhere=fields.text(document, mark.value, "state")) for mark in marks), None
    )


def _decode_document(document: Mapping[str, object]) -> State:
    is_current = document["formatVersion"] == FORMAT_VERSION
    fields.only_keys(document, _STATE_KEYS if is_current else _STATE_KEYS - _KEYS_SINCE_4, "state")
    lineage = fields.text(document, "lineage", "state")
    if not is_lineage(lineage):
        raise MalformedError("state.lineage has the wrong pattern")
    exams = fields.mapping(document.get("exams"), "state.exams")
    intents = fields.mapping(document.get("intents"), "state.intents")
    state = State(
        lineage=lineage,
        serial=fields.integer(document, "serial", "state"),
        exams={_address(key): _decode_entry(value, f"exams.{key}") for key, value in exams.items()},
        intents={_address(key): decode_intent(value, f"intents.{key}") for key, value in intents.items()},
        acceptances=tuple(
            _decode_acceptance(value, place) for value, place in _listed(document, "acceptances")
        ),
        service=fields.optional_text(document, "service", "state"),
    )
    refuse_contradictions(state)
    return state.with_resolutions(*_decode_resolutions(document))


def refuse_contradictions(state: State) -> None:
    """Nothing, if no SID is held twice and no address is both created and in doubt; else MalformedError."""
    holders: dict[ExamSid, Address] = {}
    for address, entry in state.exams.items():
        holder = holders.setdefault(entry.sid, address)
        if holder != address:
            raise MalformedError(f"{entry.sid} is held by two addresses, {holder} and {address}")
        if address in state.intents:
            raise MalformedError(f"{address} is both created and in doubt")


def _address(key: str) -> Address:
    if not is_address(key):
        raise MalformedError(f"{fields.shown(key)} is no address")
    return Address(key)


def _decode_entry(value: object, place: str) -> Entry:
    found = fields.mapping(value, place)
    fields.only_keys(found, _ENTRY_KEYS, place)
    return Entry(
        sid=fields.identity(found, "sid", place, accept=is_exam_sid, make=ExamSid),
        install_sid=fields.identity(found, "installSid", place, accept=is_install_sid, make=InstallSid),
        course_sid=fields.identity(found, "courseSid", place, accept=is_course_sid, make=CourseSid),
        digest=fields.identity(found, "digest", place, accept=is_digest, make=Digest),
        payload=fields.payload(found, place),
        created_at=fields.instant(found, "createdAt", place),
        secrets=decode_marks(found, place),
        configuration_sid=decode_configuration_sid(found, place),
    )


def decode_configuration_sid(found: Mapping[str, object], place: str) -> ConfigurationSid | None:
    """The configuration's SID in `found`; None where it has none. Raises MalformedError."""
    if "configurationSid" not in found:
        return None
    return fields.identity(
        found, "configurationSid", place, accept=is_configuration_sid, make=ConfigurationSid
    )


def decode_intent(value: object, place: str) -> Intent:
    """The intent in `value`. Raises MalformedError."""
    found = fields.mapping(value, place)
    fields.only_keys(found, _INTENT_KEYS, place)
    answer = found.get("answer")
    return Intent(
        attempt=fields.identity(found, "attempt", place, accept=is_attempt_id, make=AttemptId),
        digest=fields.identity(found, "digest", place, accept=is_digest, make=Digest),
        install_sid=fields.identity(found, "installSid", place, accept=is_install_sid, make=InstallSid),
        course_sid=fields.identity(found, "courseSid", place, accept=is_course_sid, make=CourseSid),
        payload=fields.payload(found, place),
        started_at=fields.instant(found, "startedAt", place),
        by=fields.prose(found, "by", place),
        answer=None if answer is None else decode_answer(answer, f"{place}.answer"),
        secrets=decode_marks(found, place),
    )


def decode_answer(value: object, place: str) -> Answer:
    """The answer in `value`. Raises MalformedError."""
    found = fields.mapping(value, place)
    fields.only_keys(found, _ANSWER_KEYS, place)
    return Answer(
        status=fields.status(found, place),
        reason=fields.prose(found, "reason", place),
        request_id=None if found.get("requestId") is None else fields.prose(found, "requestId", place),
        sids=tuple(_decode_sids(found.get("sids", []), place)),
    )


def _decode_sids(found: object, place: str) -> Iterator[ExamSid]:
    if not isinstance(found, list) or not all(isinstance(sid, str) and is_exam_sid(sid) for sid in found):
        raise MalformedError(f"{place}.sids is not a list of exam SIDs")
    yield from map(ExamSid, found)


def _decode_resolutions(document: Mapping[str, object]) -> list[Resolution]:
    return [_decode_resolution(value, place) for value, place in _listed(document, "resolutions")]


def _listed(document: Mapping[str, object], key: str) -> Iterator[tuple[object, str]]:
    """The items of the list at `key`, each with its place; none where there is no list."""
    found = document.get(key, [])
    if not isinstance(found, list):
        raise MalformedError(f"state.{key} is not a list")
    yield from ((value, f"{key}[{number}]") for number, value in enumerate(found))


def _decode_acceptance(value: object, place: str) -> Acceptance:
    found = fields.mapping(value, place)
    fields.only_keys(found, _ACCEPTANCE_KEYS, place)
    return Acceptance(
        address=fields.identity(found, "address", place, accept=is_address, make=Address),
        sid=fields.identity(found, "sid", place, accept=is_exam_sid, make=ExamSid),
        before=fields.identity(found, "before", place, accept=is_digest, make=Digest),
        digest=fields.identity(found, "digest", place, accept=is_digest, make=Digest),
        by=fields.prose(found, "by", place),
        at=fields.instant(found, "at", place),
        reason=None if "reason" not in found else fields.prose(found, "reason", place),
    )


def _decode_resolution(value: object, place: str) -> Resolution:
    found = fields.mapping(value, place)
    fields.only_keys(found, _RESOLUTION_KEYS, place)
    how = fields.text(found, "how", place)
    if how not in _SETTLINGS:
        raise MalformedError(f"{place}.how is {fields.shown(how)}, which is no way to settle a doubt")
    settling = Settling(how)
    has_sid = found.get("sid") is not None
    if has_sid is not settling.found_an_exam:
        raise MalformedError(f"{place}.sid and {place}.how contradict each other")
    return Resolution(
        address=fields.identity(found, "address", place, accept=is_address, make=Address),
        attempt=fields.identity(found, "attempt", place, accept=is_attempt_id, make=AttemptId),
        sid=fields.identity(found, "sid", place, accept=is_exam_sid, make=ExamSid) if has_sid else None,
        by=fields.prose(found, "by", place),
        at=fields.instant(found, "at", place),
        how=settling,
    )

"""What a reviewer wants to know of one exam at a glance, in words, for forms that lay it out in columns."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.payloads import Json, Payload
from reconciler.model.plan import Change
from reconciler.outputs.escapes import shorten
from reconciler.outputs.values import configuration_of, payload_of, secret_words, title_of, windows_of
from reconciler.outputs.windows import Window

_PROCTOR_TYPES_SHOWN: Final = 4
_LONGEST_WORD: Final = 60


class ExamFacts(Struct, frozen=True, kw_only=True):
    """One exam in words, untrusted and not escaped yet; what is not set is empty, or None for a window."""

    title: str
    course: str
    exam: Window | None
    booking: Window | None
    duration: str
    attempts: str
    proctoring: str
    password: str


def facts_of_change(change: Change) -> ExamFacts:
    """The exam that `change` is about: as declared, else as created, else as it was about to be."""
    payload = payload_of(change)
    configuration = configuration_of(payload)
    windows = dict(windows_of(payload, change.timezone))
    password = configuration.get("password")
    return ExamFacts(
        title=title_of(payload),
        course=change.course or change.course_sid,
        exam=windows.get("exam"),
        booking=windows.get("schedule"),
        duration=_minutes(configuration.get("duration")),
        attempts=_word(configuration.get("attempts")),
        proctoring=proctoring_of(payload),
        password="" if password is None else secret_words(password),
    )


def proctoring_of(payload: Payload) -> str:
    """How the exam is supervised: its type, its kinds of proctor, and who assigns and approves."""
    configuration = configuration_of(payload)
    kinds = configuration.get("proctorTypes")
    listed = kinds if isinstance(kinds, Sequence) and not isinstance(kinds, str) else ()
    words = [_word(payload.get("type")), *(_word(kind) for kind in listed[:_PROCTOR_TYPES_SHOWN])]
    if len(listed) > _PROCTOR_TYPES_SHOWN:
        words.append(f"{len(listed) - _PROCTOR_TYPES_SHOWN} more")
    words += ["instructor"] if configuration.get("instructorAsProctor") else []
    words += ["proctor manager"] if payload.get("useProctorManager") is True else []
    words += ["needs approval"] if payload.get("requireApproval") is True else []
    return ", ".join(word for word in words if word)


def _minutes(value: Json) -> str:
    return f"{_word(value)} min" if value is not None else ""


def _word(value: Json) -> str:
    return "" if value is None else shorten(str(value), _LONGEST_WORD)

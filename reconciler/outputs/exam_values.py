"""Every value of an exam in words, for all formats: the value, and the layer that it comes from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.payloads import Json
from reconciler.model.plan import Change
from reconciler.model.provenance import Layer, Provenance, ValueSource
from reconciler.outputs.escapes import visible
from reconciler.outputs.exam_facts import ALIASED, PASSWORD_PATH, moment_text, payload_of, secret_words

_FIRST: Final = (
    "title",
    "courseSid",
    "configuration.examOpenDate",
    "configuration.examCloseDate",
    "configuration.scheduleOpenDate",
    "configuration.scheduleCloseDate",
    "configuration.duration",
    "configuration.attempts",
    "type",
    "status",
    "isLimitedScope",
    "url",
    PASSWORD_PATH,
    "configuration.proctorTypes",
)
"""The paths that readers look for first; all others follow in alphabetical order."""


class ExamValue(Struct, frozen=True, kw_only=True):
    """One value of an exam: its dotted path in the payload, and the value in words, not yet escaped.

    `source` is None if the provenance is unknown.
    """

    path: str
    text: str
    source: ValueSource | None

    @property
    def name(self) -> str:
        """The path without `configuration.`, which is clear to a reader."""
        return self.path.removeprefix("configuration.")

    @property
    def mark(self) -> str:
        """The layer, such as `defaults` or `profile lab`; empty if the exam or its section has the value."""
        if self.source is None or self.source.layer in {Layer.EXAM, Layer.SECTION}:
            return ""
        return self.source.layer_words


def values_of(change: Change, names: Mapping[str, str], provenance: Provenance) -> list[ExamValue]:
    """Return every value that is sent for the exam of `change`, the most important first.

    `names` are aliases by SID. Date-times are local; a password is where it comes from.
    """
    payload = payload_of(change)
    course = {"courseSid": change.course_sid, "installSid": change.install_sid}
    names = names if change.course is None else {**names, change.course_sid: change.course}
    found = dict(leaves_of({**payload, **course}))
    return [
        ExamValue(
            path=path,
            text=_words(path, found[path], names, change.timezone),
            source=_source_of(path, provenance),
        )
        for path in sorted(found, key=order_of)
    ]


def order_of(path: str) -> tuple[int, str]:
    """Return a key that sorts paths: those that readers look for first, then all others by name."""
    return (_FIRST.index(path) if path in _FIRST else len(_FIRST), path)


def leaves_of(value: Mapping[str, Json], above: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each value below `value` after its path; lists, empty mappings and passwords are one value."""
    for key, inner in value.items():
        path = f"{above}{key}"
        if isinstance(inner, Mapping) and inner and path != PASSWORD_PATH:
            yield from leaves_of(inner, f"{path}.")
        else:
            yield path, inner


def _words(path: str, value: Json, names: Mapping[str, str], timezone: str | None) -> str:
    if path == PASSWORD_PATH and value is not None:
        return secret_words(value)
    if isinstance(value, str):
        if path in ALIASED and value in names:
            return f"{visible(names[value])} ({value})"
        moment = moment_text(value, timezone)
        shown = visible(value) if moment is None else moment
        return shown if shown == shown.strip() and shown else json.dumps(shown, ensure_ascii=False)
    if isinstance(value, Sequence) and value and all(isinstance(one, str) for one in value):
        return ", ".join(visible(str(one)) for one in value)
    return visible(json.dumps(value, ensure_ascii=False))


def _source_of(path: str, provenance: Provenance) -> ValueSource | None:
    """Return the source of the value at `path`: of its alias if it has one, or else of the value itself."""
    alias = ALIASED.get(path)
    if alias is not None and alias in provenance:
        return provenance[alias]
    return provenance.get(path)

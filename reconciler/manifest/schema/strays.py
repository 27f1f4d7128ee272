"""Fields that are misspelt or stand in the wrong place: finds out what they are, and reports them."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.fields import Level, fields_of
from reconciler.manifest.schema.field_names import (
    LIKE,
    Meant,
    cut_key,
    end_of_name,
    fault_of,
    is_synonym,
    meant_by,
)
from reconciler.manifest.schema.split_texts import without_split_texts
from reconciler.manifest.yaml.nodes import BROKEN, TextRange, Value, YamlMapping, YamlSequence
from reconciler.model.identities import is_address, is_course_sid
from reconciler.model.words import first_few, nearest

CODE: Final = "unknown-field"
OUT_OF_PLACE: Final = ("is out of place", "are out of place")

_MOST: Final = 1000
_PLACES: Final[dict[Level, str]] = {
    "manifest": "at the top of the file",
    "exam": "one level up, beside `configuration`",
    "configuration": "under `configuration`",
}
_NO_BLOCKS: Final = frozenset({"version", "extends", "installSid", "timezone"})
_EXAM_LEVELS: Final[tuple[Level, ...]] = ("exam", "configuration")
_OF_AN_EXAM: Final = frozenset({"course", "courseSid", "url"})


class Stray(Struct, frozen=True):
    """An entry that belongs elsewhere: as the field `name` at `level`, or as an exam if that is None.

    `written` is its key; None if a diagnostic tells of it already.
    """

    name: str
    level: Level | None
    written: str | None
    value: Value
    at: TextRange
    value_at: TextRange


class StrayFields(Struct):
    """Finds and reports stray fields of one file, of which the first thousand are `looked_up`."""

    diagnostics: FileDiagnostics
    looked_up: int = 0

    def sorted_out(self, holder: YamlMapping, level: Level, called: str) -> tuple[YamlMapping, list[Stray]]:
        """Return `holder` with misspelt fields spelt as meant, and the entries that belong elsewhere.

        Fields of which the meaning cannot be told are left. `called` names `holder` in messages.
        """
        known = fields_of(level)
        if holder.keys() <= known:
            return holder, []
        unknown = {field: at for field, at in holder.ranges().items() if field not in known}
        own, strays = holder.without(unknown), list[Stray]()
        for field, (at, value_at) in unknown.items():
            stray = self._stray(field, holder[field], level, at, value_at)
            if stray is None or (stray.level == level and stray.name in own):
                own.put(field, holder[field], at, value_at)
                continue
            if stray.level != level:
                strays.append(stray)
                continue
            self._report_misspelt(stray, called, f"did you mean '{stray.name}'?")
            own.put(stray.name, stray.value, at, value_at)
        return without_split_texts(own, holder, known, self.diagnostics), strays

    def _stray(
        self, field: str, value: Value, level: Level, at: TextRange, value_at: TextRange
    ) -> Stray | None:
        """Return what is meant by `field`, and hide its value unless it is a block; None if unclear."""
        if is_like_exam(field, value):
            return Stray(field, None, field, value, at, value_at)
        self.looked_up += 1
        if self.looked_up > _MOST:
            return None
        fault = fault_of(field)
        named = field if fault is None else fault.name
        meant = meant_by(named, level, is_mapping=isinstance(value, YamlMapping))
        if meant is not None and meant.level == "manifest" != level and not _holds_entries(value):
            # A single value is hardly a block of a manifest: a less similar field of this level is likelier.
            near = nearest(field, sorted(fields_of(level)), likeness=LIKE)
            meant = Meant(tuple(near), level) if near else meant
        if meant is None or len(meant.names) > 1 or (fault is None and cut_key(field) != field):
            return None
        name = meant.names[0]
        if name == "course" and isinstance(value, str) and is_course_sid(value):
            name = "courseSid"
        has_value = fault is None or fault.is_odd
        if meant.level != level or not _is_block(name, value):
            behind = at.end if has_value or fault is None else end_of_name(fault.name, field, at)
            self.diagnostics.hide(TextRange(behind, max(at.end, value_at.end)))
        if fault is None:
            return Stray(name, meant.level, field, value, at, value_at)
        self.diagnostics.add(CODE, at, fault.message, fault.hint)
        return Stray(name, meant.level, None, value if has_value else BROKEN, at, value_at)

    def in_place_of_address(self, key: str, value: Value, at: TextRange, value_at: TextRange) -> Stray | None:
        """Return the field that stands where the address of an exam is expected; None if it is no field."""
        if has_exam_fields(value):
            return None
        for level in _EXAM_LEVELS:
            if key in fields_of(level):
                return Stray(key, level, key, value, at, value_at)
        if value is None or "/" in key or isinstance(value, YamlMapping):
            return None
        return self._stray(key, value, "exam", at, value_at)

    def _report_misspelt(self, stray: Stray, called: str, hint: str) -> None:
        if stray.written is not None:
            message = f"{self.diagnostics.echo(stray.written)} is not a field of {called}"
            cause = message if is_synonym(stray.written) else ""
            self.diagnostics.add(CODE, stray.at, message, hint, cause=cause)

    def report_fields(self, strays: Sequence[Stray], called: str, place: str = "") -> None:
        """Report the fields among `strays`, which stand in `called`: those of one place together."""
        together: dict[str, list[Stray]] = {}
        for stray in strays:
            if stray.level is None or stray.written is None:
                continue
            where = place or _PLACES[stray.level]
            if stray.written == stray.name:
                together.setdefault(where, []).append(stray)
            else:
                self._report_misspelt(stray, called, f"did you mean '{stray.name}', {where}?")
        for where, several in together.items():
            report_together(_keys(several), OUT_OF_PLACE, where, self.diagnostics)

    def report_exams(self, strays: Sequence[Stray], place: str) -> None:
        """Report those of `strays` that look like exams, together."""
        exams = [stray for stray in strays if stray.level is None]
        if exams:
            wrong = "looks like an exam", "look like exams"
            report_together(_keys(exams), wrong, place, self.diagnostics)


def _keys(strays: Iterable[Stray]) -> list[tuple[str, TextRange]]:
    return [(f"{stray.written}", stray.at) for stray in strays]


def report_together(
    entries: Sequence[tuple[str, TextRange]],
    wrong: tuple[str, str],
    place: str,
    diagnostics: FileDiagnostics,
) -> None:
    """Report what is `wrong` with entries, in the singular or the plural, and the `place` where they belong.

    Of each entry, `entries` have the key and its text range.
    """
    is_one = len(entries) == 1
    names = first_few([diagnostics.echo(key) for key, _ in entries], between=", ", last=" ")
    message = f"{names} {wrong[0] if is_one else wrong[1]}"
    hint = f"{'It belongs' if is_one else 'They belong'} {place}."
    diagnostics.add(CODE, entries[0][1], message, hint, cause=f"{message} {hint}")


def _is_block(name: str, value: Value) -> bool:
    """Return whether the field `name` holds fields, each of which is looked at by itself."""
    is_block = name == "configuration" or name in fields_of("manifest") - _NO_BLOCKS
    return is_block and _holds_entries(value)


def _holds_entries(value: Value) -> bool:
    return isinstance(value, YamlMapping | YamlSequence)


def has_exam_fields(value: Value) -> bool:
    """Return whether `value` is a mapping with a field of exams."""
    return isinstance(value, YamlMapping) and not fields_of("exam").isdisjoint(value)


def is_like_exam(key: str, value: Value) -> bool:
    """Return whether `key` may be the address of an exam, and `value` the exam."""
    is_whole = isinstance(value, YamlMapping) and "title" in value and not key.lower().startswith("default")
    return has_exam_fields(value) and is_address(key) and ("/" in key or is_whole)


def is_surely_exam(key: str, value: Value) -> bool:
    """Return whether `key` and `value` are an exam, and no profile."""
    is_whole = isinstance(value, YamlMapping) and "title" in value and not _OF_AN_EXAM.isdisjoint(value)
    return "/" in key and is_whole and is_like_exam(key, value)

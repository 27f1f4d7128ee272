"""Relative dates: turns dates that count from a term or from another date into local date-times.

A relative date is a mapping in one of four forms, and becomes text that the other checks read:

    {week: 6, day: Mon, at: "09:00"}            that day of the term's sixth week
    {ends: term, at: "17:00"}                   the term's last day
    {after: examOpenDate, days: 2, at: "17:00"} two days after another date of the exam
    {before: examOpenDate, days: 21}            at the same time of day, by the clocks of the exam's zone
"""

import re
from datetime import datetime, time, timedelta
from typing import Final

from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.dates import DATE_FIELDS, BadDateTime, date_places, local_reading, normalized
from reconciler.manifest.header import FileContext
from reconciler.manifest.yaml.nodes import BROKEN, Broken, TextRange, YamlMapping, YamlSequence
from reconciler.model.terms import WEEKDAYS, Term
from reconciler.model.words import listed

_FORMS: Final = {
    "week": {"day", "at"},
    "ends": {"at"},
    "before": {"days", "at"},
    "after": {"days", "at"},
}
"""By the field that chooses a form, the other fields that it takes."""
_FIELDS: Final = frozenset(_FORMS).union(*_FORMS.values())
_EXAMPLES: Final = (
    '{week: 6, day: Mon, at: "09:00"}, {before: examOpenDate, days: 21}, {after: examOpenDate, days: 2, at: '
    '"17:00"} or {ends: term, at: "17:00"}'
)
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DAY_LETTERS: Final = 3


def with_absolute_dates(exam: YamlMapping, context: FileContext, diagnostics: FileDiagnostics) -> YamlMapping:
    """Return `exam` with a date-time as text in place of each relative date, at the same offsets.

    An unusable one is reported and becomes BROKEN. `exam` itself is not changed.
    """
    if not any(isinstance(holder[key], YamlMapping) for holder, key in date_places(exam)):
        return exam
    exam = _copied(exam)
    reader = _Reader(exam.mapping("configuration"), context, diagnostics)
    for holder, key in date_places(exam):
        holder[key] = reader.text_of(holder, key)
    return exam


def _copied(exam: YamlMapping) -> YamlMapping:
    """Return a copy of `exam` in which its dates can be replaced."""
    configuration = exam.mapping("configuration").copy()
    proctors = configuration.get("instructorAsProctor")
    if isinstance(proctors, YamlSequence):
        configuration["instructorAsProctor"] = proctors.with_items(
            each.copy() if isinstance(each, YamlMapping) else each for each in proctors
        )
    copy = exam.copy()
    copy["configuration"] = configuration
    return copy


class _Unusable(Exception):
    """A relative date that cannot be resolved. Without a message, this is reported already."""

    def __init__(self, at: TextRange, message: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.hint = hint
        self.code = code


class _Reader(Struct):
    """Resolves the relative dates of one exam; `path` are the fields that are being resolved."""

    configuration: YamlMapping
    context: FileContext
    diagnostics: FileDiagnostics
    path: list[str] = field(default_factory=list)

    def text_of(self, holder: YamlMapping, key: str) -> str | Broken:
        """Return the date-time under `key` as text; report a relative one that is unusable."""
        written = holder[key]
        if isinstance(written, str):
            return written
        if not isinstance(written, YamlMapping):
            return BROKEN
        at = holder.key_at(key)
        try:
            text = self._resolved(written, at)
            self._check(text, at)
        except _Unusable as error:
            if error.message:
                code = error.code or "bad-relative-date"
                self.diagnostics.add(code, error.at, f"{key}: {error.message}", error.hint)
            return BROKEN
        return text

    def _check(self, text: str, at: TextRange) -> None:
        """Raise _Unusable for a date-time that does not exist, or that the clocks show twice."""
        try:
            normalized(text, self.context.zone)
        except BadDateTime as error:
            is_known = error.code == "no-timezone" and self.context.zone_is_wrong
            message = "" if is_known else f"{error.message}: this is {text}"
            raise _Unusable(at, message, error.hint, error.code) from None

    def _resolved(self, written: YamlMapping, at: TextRange) -> str:
        if not written.keys() <= _FIELDS:  # the schema reports the others
            raise _Unusable(at)
        forms = [form for form in _FORMS if form in written]
        if len(forms) != 1:
            says = " and ".join(f"`{form}`" for form in forms) or "nothing"
            raise _Unusable(
                at, f"a relative date counts from one thing, and this one from {says}", f"Write {_EXAMPLES}."
            )
        (form,) = forms
        for other in written:
            if other != form and other not in _FORMS[form]:
                raise _Unusable(
                    written.key_at(other),
                    f"`{other}` does not belong to a date with `{form}`",
                    f"Write {_EXAMPLES}.",
                )
        match form:
            case "week":
                return self._in_week(written, self._term(written.key_at(form)), at)
            case "ends":
                term = self._term(written.key_at(form))
                return _spelt(datetime.combine(term.ends, self._needed_clock(written, at)))
            case _:
                return self._counted(written, form, at)

    def _term(self, at: TextRange) -> Term:
        if self.context.term is None:
            message = "" if self.context.term_is_wrong else "this counts from a term, and the file names none"
            raise _Unusable(
                at, message, "Add `term: NAME` at the top of the file; reconciler.yaml defines the terms."
            )
        return self.context.term

    def _in_week(self, written: YamlMapping, term: Term, at: TextRange) -> str:
        week, day, clock = written["week"], self._weekday(written, at), self._needed_clock(written, at)
        if not isinstance(week, int | float) or week < 1:
            raise _Unusable(at)
        mondays = term.mondays
        if week > len(mondays):
            without = ", without the skipped ones" if term.skipped else ""
            raise _Unusable(
                written.value_at("week"),
                f"the term {term.name} has {len(mondays)} weeks{without}",
                f"The last one begins on {mondays[-1]}." if mondays else "All of its weeks are skipped.",
            )
        found = mondays[int(week) - 1] + timedelta(days=day)
        if not term.starts <= found <= term.ends:
            side = "before its first day" if found < term.starts else "after its last day"
            raise _Unusable(
                written.value_at("day"),
                f"this is {found}, and the term {term.name} lasts from {term.starts} to {term.ends}",
                f"{WEEKDAYS[day]} of week {week} is {side}: write another day, or a date.",
            )
        return _spelt(datetime.combine(found, clock))

    def _counted(self, written: YamlMapping, form: str, at: TextRange) -> str:
        """Return the date-time that is some days before or after another one."""
        days = written.get("days", 0)
        if not isinstance(days, int | float) or days < 0:
            raise _Unusable(at)
        clock = self._clock(written)
        if clock is None and "days" not in written:
            raise _Unusable(at, "this date needs `days`, `at`, or both", f"Write {_EXAMPLES}.")
        moment, offset = self._reference(written, form)
        try:
            moment += timedelta(days=-days if form == "before" else days)
        except OverflowError:
            raise _Unusable(at, "this date is beyond the years 1 to 9999", "Write fewer days.") from None
        return _spelt(moment if clock is None else datetime.combine(moment, clock)) + offset

    def _reference(self, written: YamlMapping, form: str) -> tuple[datetime, str]:
        """Return the local date-time that `form` names, and its offset as text if the exam has no zone."""
        name, at = written[form], written.value_at(form)
        if name not in DATE_FIELDS or not isinstance(name, str):
            raise _Unusable(at)
        if name in self.path:
            circle = " → ".join([*self.path[self.path.index(name) :], name])
            raise _Unusable(
                at,
                f"these dates count from each other: {circle}",
                "Write one of them as a date, or count it from the term.",
            )
        if name not in self.configuration:
            raise _Unusable(
                at,
                f"the exam has no {name} to count from",
                f"Add `{name}:`, or write this date in another form.",
            )
        self.path.append(name)
        text = self.text_of(self.configuration, name)
        self.path.pop()
        try:
            return local_reading(str(text), self.context.zone)
        except (ValueError, OverflowError):  # it is reported where it is written
            raise _Unusable(at) from None

    def _weekday(self, written: YamlMapping, at: TextRange) -> int:
        """Return the day of the week under `day`; Monday is 0."""
        if "day" not in written:
            raise _Unusable(at, "a date with `week` needs `day`", "Add it, such as `day: Mon`.")
        name = written["day"]
        if not isinstance(name, str):
            raise _Unusable(at)
        if name not in WEEKDAYS:
            meant = name[:_DAY_LETTERS].capitalize()
            advice = f"did you mean {meant}?" if meant in WEEKDAYS else f"Write {listed(WEEKDAYS)}."
            message = f"{self.diagnostics.echo(name)} is not a day of the week"
            raise _Unusable(written.value_at("day"), message, advice)
        return WEEKDAYS.index(name)

    def _needed_clock(self, written: YamlMapping, at: TextRange) -> time:
        clock = self._clock(written)
        if clock is None:
            raise _Unusable(at, "this date needs a time of day", 'Add it, such as `at: "09:00"`.')
        return clock

    def _clock(self, written: YamlMapping) -> time | None:
        """Return the time of day under `at`; None if it is missing."""
        text = written.get("at")
        if "at" not in written:
            return None
        if not isinstance(text, str):
            raise _Unusable(written.value_at("at"))
        if _CLOCK.fullmatch(text) is None:
            from reconciler.manifest.exam.date_advice import clock_advice  # noqa: PLC0415 - slow to load

            message = f"{self.diagnostics.echo(text)} is not a time of day"
            raise _Unusable(written.value_at("at"), message, clock_advice(text))
        return time.fromisoformat(text)


def _spelt(moment: datetime) -> str:
    """Return a local `moment` as manifests write it."""
    return moment.isoformat(timespec="milliseconds" if moment.second or moment.microsecond else "minutes")

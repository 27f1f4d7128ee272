"""Edits what changes from term to term in exams: dates, courses, and what a person has to fill in."""

import re
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from reconciler.drafting.cell_values import NO_URL
from reconciler.drafting.term_shift import ShiftedDate, TermShift
from reconciler.drafting.text_edits import TextEdits
from reconciler.manifest.exam.dates import DATE_FIELDS, date_places
from reconciler.manifest.exam.environments import ENVIRONMENTS
from reconciler.manifest.exam.merge import PROFILES, SECTIONS, merged
from reconciler.manifest.exam.unfilled import FILL_IN, UNFILLED_VARIABLE
from reconciler.manifest.header import FileContext
from reconciler.manifest.redaction import PASSWORD
from reconciler.manifest.yaml.nodes import TextRange, Value, YamlMapping, YamlSequence

_TERM: Final = re.compile(r"(?<!\{)\{term\}")
_COURSE: Final = re.compile(r"(?<!\{)\{course\}")
_NO_TEXTS: Final = frozenset(
    {"url", "course", "courseSid", "apiExamId", PASSWORD, *DATE_FIELDS, "startTime", "timezone", PROFILES}
    | {SECTIONS, ENVIRONMENTS}
)
"""Fields that nobody reads as text, and sections, which are looked at one by one."""


class DateEdit(Struct, frozen=True, kw_only=True):
    """A date that is shifted; `where` is the exam, or what exams share, and the field."""

    where: str
    before: str
    shifted: ShiftedDate


class ExamEdits(Struct):
    """The edits of all exams, defaults and profiles of one file, and what they are, in order of the text.

    `aliases` are the new names of courses that are written out, `wordings` the places of texts to look at.
    """

    edits: TextEdits
    shift: TermShift
    context: FileContext
    dates: dict[TextRange, DateEdit] = field(default_factory=dict)
    gaps: dict[TextRange, str] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)
    wordings: dict[TextRange, str] = field(default_factory=dict)

    @property
    def has_edits(self) -> bool:
        """Whether anything changes."""
        return bool(self.dates or self.gaps or self.aliases)

    def edit(self, root: YamlMapping) -> None:
        """Edit all that `root` says about exams. Raises CannotEdit."""
        self._part("defaults", root.mapping("defaults"), None)
        defaults = self.context.partial_exams.below()
        for name, profile in root.mapping(PROFILES).items():
            if isinstance(profile, YamlMapping):
                self._part(f"profile {name}", profile, defaults)
        for name, exam in root.mapping("exams").items():
            if isinstance(exam, YamlMapping):
                address = self.shift.address(name)
                self._part(address, exam, self._below(exam))
                for key, section in exam.mapping(SECTIONS).items():
                    if isinstance(section, YamlMapping):
                        of_section = merged(section, exam)
                        self._part(f"{address}/{key}", section, merged(exam, self._below(of_section)))

    def _below(self, exam: YamlMapping) -> YamlMapping | None:
        """Return the defaults and profiles that `exam` is merged over; None if there are neither."""
        partial_exams = self.context.partial_exams
        holder = exam if PROFILES in exam else partial_exams.below() or exam
        return partial_exams.below(tuple(map(str, holder.sequence(PROFILES))))

    def _part(self, where: str, part: YamlMapping, below: YamlMapping | None) -> None:
        """Edit an exam, or a part of one, that is merged over `below`."""
        zone = self.context.for_exam(merged(part, below)).zone
        for holder, key in date_places(part):
            if isinstance(text := holder[key], str):
                self._date(holder.value_at(key), f"{where} {key}", text, zone)
        configuration = part.mapping("configuration")
        for marked, key in ((part, "url"), (configuration, "apiExamId"), (part, "courseSid")):
            self._mark(f"{where} {key}", marked, key)
        self._password(f"{where} {PASSWORD}", configuration)
        if isinstance(course := part.get("course"), str):
            self._course(part.value_at("course"), course)
        for at, text in _texts(part):
            self._look_at(at, text)

    def _date(self, at: TextRange, where: str, text: str, zone: ZoneInfo | None) -> None:
        """Shift a date; one that is none by itself, with a placeholder or unused, is to be filled in."""
        try:
            shifted = self.shift.shifted(text, zone)
        except ValueError:
            self.edits.replace(at, FILL_IN)
            self.gaps[at] = where
            return
        self.edits.replace(at, shifted.text)
        self.dates.setdefault(at, DateEdit(where=where, before=text, shifted=shifted))

    def _mark(self, field: str, holder: YamlMapping, key: str, mark: str = FILL_IN) -> None:
        """Put `mark` in place of the value of `field`, under `key`, unless it is right in every term."""
        text = holder.get(key)
        if isinstance(text, str) and text != NO_URL and _TERM.search(text) is None:
            self.edits.replace(holder.value_at(key), mark)
            self.gaps[holder.value_at(key)] = field

    def _password(self, field: str, configuration: YamlMapping) -> None:
        written = configuration.get(PASSWORD)
        if isinstance(written, str):
            at = configuration.value_at(PASSWORD)
            self.edits.put(at, {"fromEnv": UNFILLED_VARIABLE}, configuration.key_at(PASSWORD))
            self.gaps[at] = field
        elif isinstance(written, YamlMapping):
            self._mark(field, written, "fromEnv", UNFILLED_VARIABLE)
            self._mark(field, written, "fromFile")

    def _course(self, at: TextRange, course: str) -> None:
        if _TERM.search(course) is None:
            renamed = self.shift.renamed(course)
            self.edits.replace(at, renamed)
            if "{" not in course:
                self.aliases[renamed] = None

    def _look_at(self, at: TextRange, text: str) -> None:
        """Remember a text that names the old term, or a course by its short name, which is another now."""
        if self.shift.names_old_term(text):
            self.wordings[at] = f"this text seems to name the term {self.shift.old.name}"
        elif _COURSE.search(text):
            self.wordings[at] = "{course} stands for the new short name of the course here"


def _texts(part: YamlMapping) -> Iterator[tuple[TextRange, str]]:
    """Yield the texts of `part` that people read."""
    for key, (_, at) in part.ranges().items():
        if key not in _NO_TEXTS:
            yield from _texts_of(part[key], at)


def _texts_of(value: Value, at: TextRange) -> Iterator[tuple[TextRange, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, YamlMapping):
        yield from _texts(value)
    elif isinstance(value, YamlSequence):
        for index, item in enumerate(value):
            yield from _texts_of(item, value.item_at(index))

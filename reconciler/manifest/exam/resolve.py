"""Resolves the exams of a file: merge, checks, and payload."""

from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler import schemas
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.assignees import assignees_of, report_assignees
from reconciler.manifest.exam.dates import report_date_times, report_zone
from reconciler.manifest.exam.environments import environments_of
from reconciler.manifest.exam.merge import COURSE_FIELDS, count_nodes, merged, profiles_of
from reconciler.manifest.exam.passwords import report_secret
from reconciler.manifest.exam.payload import body_of, course_of, report_user
from reconciler.manifest.exam.placeholders import Filling, Section
from reconciler.manifest.exam.relative_dates import with_absolute_dates
from reconciler.manifest.exam.unfilled import report_unfilled
from reconciler.manifest.header import FileContext
from reconciler.manifest.schema.as_meant import exam_as_meant
from reconciler.manifest.schema.messages import NamedRange, report_schema_errors
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.yaml.nodes import MERGE, TextRange, Value, YamlMapping
from reconciler.model.identities import Address, CourseSid
from reconciler.model.payloads import Payload
from reconciler.model.secrets import SecretUse
from reconciler.model.words import listed
from reconciler.zones import zone_of

MAX_MERGED_NODES: Final = 2_000_000
"""Limit of the values that defaults, profiles and sections add to all exams of one file together."""
_TEXT_PER_NODE: Final = 32
"""So many characters of texts with placeholders count as one value."""


class ResolvedExam(Struct, frozen=True):
    """An exam without mistakes: profiles and defaults merged, aliases and date-times resolved.

    `course` is the alias of its course; None if given as a SID. `values` are all its fields, with offsets.
    """

    course_sid: CourseSid
    course: str | None
    timezone: str | None
    payload: Payload
    secrets: tuple[SecretUse, ...]
    profiles: tuple[str, ...]
    values: YamlMapping
    assignees: tuple[str, ...]


class _Lacking(Struct, frozen=True):
    """An exam without a required field, and the defaults and profiles that it was merged over."""

    at: TextRange
    address: Address | None
    below: YamlMapping | None


class Resolver(Struct):
    """Resolves the exams of one file, and reports their mistakes; what they lack only in `report_lacking`.

    `are_whole` is false if a base file is missing: then fields that it may define are not missed.
    `merged_nodes` counts the values of the profiles and sections merged so far, `_judged` the exams whose
    required fields were looked for, and `_lacking` are those that lack a field, or a course.
    """

    root: YamlMapping
    context: FileContext
    diagnostics: FileDiagnostics
    are_whole: bool
    merged_nodes: int = 0
    _judged: int = 0
    _lacking: dict[str, list[_Lacking]] = field(default_factory=dict)

    def resolve(
        self, exam: Value, place: NamedRange, section: Section | None = None
    ) -> ResolvedExam | tuple[str, ...] | None:
        """Return the resolved exam, in which placeholders stand for values of `section`.

        Report mistakes and return None. For an exam that is for other environments only, return these.
        """
        check = check_of("manifest", "exam")
        is_right = check.is_surely_right(exam)
        if not is_right:
            if isinstance(exam, YamlMapping):
                exam = exam_as_meant(exam, place.name, self.diagnostics)
            is_right = report_schema_errors(check, exam, place, self.diagnostics)
        if not isinstance(exam, YamlMapping) or not self.are_whole:
            return None
        partial_exams = self.context.partial_exams
        profiles = profiles_of(exam, partial_exams, self.diagnostics)
        if profiles is None or not self._may_merge(profiles):
            return None
        below = partial_exams.below(profiles)
        values = self._filled(merged(exam, below), section)
        environments = environments_of(values, self.context.environment.names, self.diagnostics)
        if not self.context.is_for(environments):
            # Only its environments know its courses, users and time zone; the rest is the same everywhere.
            context = replace(self.context, zone=zone_of("UTC"), zone_is_wrong=False).for_exam(values)
            values = with_absolute_dates(values, context, self.diagnostics)
            self._has_required(values, place, below)
            if self._has_usable_values(values, context) and values is not exam:
                report_schema_errors(check, values, place, self.diagnostics)
            return environments
        context = self.context.for_exam(values)
        values = with_absolute_dates(values, context, self.diagnostics)
        course = self._course(values, context)
        if not self._has_usable_values(values, context):
            course = None
        has_all = self._has_required(values, place, below)
        if course is not None and values is not exam:
            # The exam itself is already checked. Errors now are in values from its defaults or profiles.
            is_right = report_schema_errors(check, values, place, self.diagnostics)
        if course is None or not is_right or not has_all:
            return None
        payload, secrets = body_of(values, context)
        timezone = None if context.zone is None else context.zone.key
        return ResolvedExam(*course, timezone, payload, secrets, profiles, values, assignees_of(values))

    def may_merge_under(self, count: int) -> bool:
        """Return whether the defaults are small enough for `count` exams; report it if not."""
        below = self.context.partial_exams.below()
        return below is None or self._is_within_bounds(count_nodes(below) * count)

    def _may_merge(self, profiles: tuple[str, ...]) -> bool:
        return self.may_add(sum(count_nodes(self.context.partial_exams.profiles[name]) for name in profiles))

    def _filled(self, values: YamlMapping, section: Section | None) -> YamlMapping:
        """Return `values` with placeholders filled in, if they are of a section."""
        if section is None:
            return values
        filling = Filling(section, self.diagnostics)
        filled = filling.filled(values)
        self.may_add(filling.length // _TEXT_PER_NODE)  # what is too much stops the next exam
        return filled

    def may_add(self, nodes: int) -> bool:
        """Count `nodes` more values; return whether all together are few enough, and report it if not."""
        self.merged_nodes += nodes
        return self._is_within_bounds(self.merged_nodes)

    def _is_within_bounds(self, merged_nodes: int) -> bool:
        if merged_nodes <= MAX_MERGED_NODES:
            return True
        self.diagnostics.add(
            "too-large",
            self.root.key_at("defaults" if "defaults" in self.root else "exams"),
            "defaults, profiles and sections, merged into every exam of this file, are too large together",
            "Split the file, or move what few exams need out of `defaults`.",
            address=None,
        )
        return False

    def _has_usable_values(self, values: YamlMapping, context: FileContext) -> bool:
        """Report mistakes in dates, zone, password and assignees, and gaps; return whether there are none."""
        diagnostics = self.diagnostics
        is_right = report_secret(values.mapping("configuration"), diagnostics)
        is_right &= report_date_times(values, context.zone, diagnostics, zone_is_wrong=context.zone_is_wrong)
        is_right &= report_assignees(values, diagnostics)
        is_right &= report_unfilled(values, diagnostics)
        report_zone(values, diagnostics)
        return is_right and ("timezone" not in values or context.zone is not None)

    def _course(self, values: YamlMapping, context: FileContext) -> tuple[CourseSid, str | None] | None:
        """Report mistakes in contact and course; return the course if there are none."""
        is_right = report_user(values, context, self.diagnostics)
        course = course_of(values, context, self.diagnostics)
        return course if is_right else None

    def _has_required(self, values: YamlMapping, place: NamedRange, below: YamlMapping | None) -> bool:
        """Return whether `values` has all required fields; remember those that it lacks."""
        if MERGE in values:
            return False
        self._judged += 1
        lacking = [name for name in schemas.load("create-exam")["required"] if name not in values]
        if values.keys().isdisjoint(COURSE_FIELDS):
            lacking.append(COURSE_FIELDS[0])
        for name in lacking:
            exam = _Lacking(place.at, self.diagnostics.address, below)
            self._lacking.setdefault(name, []).append(exam)
        return not lacking

    def report_lacking(self) -> None:
        """Report required fields that exams lack: one that all exams of the file lack once, for all."""
        for name, exams in self._lacking.items():
            for exam in exams:
                if self.diagnostics.is_full:
                    return
                # Sections of one exam share its place, and what several of them lack is one mistake.
                cause = name if len(exams) == self._judged else f"{name} {self.diagnostics.position(exam.at)}"
                self._report_lacking(name, exam, cause)

    def _report_lacking(self, name: str, exam: _Lacking, cause: str) -> None:
        merged_in = (
            f"merged were the defaults {listed(exam.below)}" if exam.below else "the file has no defaults"
        )
        if name in COURSE_FIELDS:
            self.diagnostics.add(
                "no-course",
                exam.at,
                "the exam names no course",
                f"Add `course:` with an alias, or `courseSid: CU…`; {merged_in}.",
                address=exam.address,
                cause=cause,
            )
            return
        self.diagnostics.add(
            "missing-field",
            exam.at,
            f"the exam lacks '{name}'",
            f"Add `{name}:` to the exam or to `defaults`; {merged_in}.",
            address=exam.address,
            subject=name,
            cause=cause,
        )

"""One exam as it is written → what it declares, wherever it stands."""

from typing import Final

from msgspec import Struct

from reconciler.manifest.defaults import COURSE_FIELDS, count_nodes, merged
from reconciler.manifest.effective import (
    Body,
    Context,
    body_of,
    context_of,
    course_of,
    report_date_times,
    report_user,
)
from reconciler.manifest.findings import Findings
from reconciler.manifest.ground import Ground, Standing
from reconciler.manifest.passwords import FIELD, report_secret
from reconciler.manifest.profiles import profiles_of
from reconciler.manifest.schema_errors import Place, report_schema_errors
from reconciler.manifest.schema_verdicts import check_of
from reconciler.manifest.shells import report_zone
from reconciler.manifest.yaml_nodes import Mapping, Value
from reconciler.model.identities import CourseSid, Digest
from reconciler.model.payloads import Payload
from reconciler.model.secrets import SecretUse
from reconciler.model.words import listed

_CHECKED_PASSWORD: Final = "-"  # noqa: S105 - stands for any text


class Ready(Struct, frozen=True):
    """An exam with which nothing is wrong, but for where it stands and in which install it is to be.

    `course` is the alias of its course, `timezone` the name of its zone. Each is None where there is none.
    """

    course_sid: CourseSid
    course: str | None
    timezone: str | None
    payload: Payload
    digest: Digest
    secrets: tuple[SecretUse, ...]
    profiles: tuple[str, ...]


class Declarer(Struct):
    """Tells for one exam of a file after the other what it declares, and notes what is wrong with it.

    `merged_nodes` counts the values of the profiles that were merged.
    """

    standing: Standing
    ground: Ground
    findings: Findings
    merged_nodes: int = 0

    def declare(self, exam: Value, place: Place) -> tuple[Ready, Mapping] | None:
        """What the exam at `place` declares, and with all that it is merged over; None where it is wrong.

        Raises Unmarked, if anything is to be said about an exam that has no marks.
        """
        is_right = report_schema_errors(check_of("manifest", "exam"), exam, place, self.findings)
        if not isinstance(exam, Mapping) or not self.standing.are_whole:
            return None  # where a base is missing, what it may have said is not missed once more
        profiles = profiles_of(exam, self.ground.stack, place.address, self.findings)
        if profiles is None or not self.may_merge(profiles):
            return None
        below = self.ground.stack.below(profiles)
        effective = merged(exam, below)
        context = context_of(effective, self.ground.context)
        course = self._checked(effective, place, below, context)
        if course is None or not (is_right if effective is exam else self._is_right(effective, place)):
            return None
        body = body_of(effective, context)
        if not check_of("create-exam").is_satisfied(_with_password(body.payload)):
            return None
        return _ready(course, context, body, profiles), effective

    def may_merge(self, profiles: tuple[str, ...]) -> bool:
        """Whether what is merged is within bounds with one more exam of `profiles`; a finding says if not."""
        if profiles:
            self.merged_nodes += sum(count_nodes(self.ground.stack.profiles[name]) for name in profiles)
        return self.standing.bears(self.merged_nodes)

    def _checked(
        self, effective: Mapping, place: Place, below: Mapping | None, context: Context
    ) -> tuple[CourseSid, str | None] | None:
        """The course of an exam with which nothing is wrong; None where something is."""
        address = place.address
        configuration = effective.get("configuration")
        secret_is_right = True
        if isinstance(configuration, Mapping):
            secret_is_right = report_secret(configuration, place.address, self.findings)
        dates_are_right = report_date_times(effective, context, place.address, self.findings)
        user_is_right = report_user(effective, context, place.address, self.findings)
        report_zone(effective, self.findings, address)
        self._report_missing(effective, place, below)
        course = course_of(effective, context, address, self.findings)
        if course is None or not (secret_is_right and dates_are_right and user_is_right):
            return None
        if "timezone" in effective and context.zone is None:
            return None
        return course

    def _is_right(self, effective: Mapping, place: Place) -> bool:
        """Whether what was merged satisfies the schema too; a finding says why not."""
        # What is wrong is known already, if not that this exam has it from defaults or a profile.
        return report_schema_errors(check_of("manifest", "exam"), effective, place, self.findings)

    def _report_missing(self, effective: Mapping, place: Place, defaults: Mapping | None) -> None:
        """Note the required fields that neither the exam nor its defaults have."""
        missing = [name for name in check_of("create-exam").required if name not in effective]
        if not missing and not effective.keys().isdisjoint(COURSE_FIELDS):
            return
        merged_in = f"merged were the defaults {listed(defaults)}" if defaults else "the file has no defaults"
        for name in missing:
            self.findings.add(
                "missing-field",
                place.at,
                f"the exam lacks '{name}'",
                f"Add `{name}:` to the exam or to `defaults`; {merged_in}.",
                address=place.address,
                subject=name,
            )
        if effective.keys().isdisjoint(COURSE_FIELDS):
            self.findings.add(
                "no-course",
                place.at,
                "the exam names no course",
                f"Add `course:` with an alias, or `courseSid: CU…`; {merged_in}.",
                address=place.address,
            )


def _ready(
    course: tuple[CourseSid, str | None], context: Context, body: Body, profiles: tuple[str, ...]
) -> Ready:
    return Ready(
        course_sid=course[0],
        course=course[1],
        timezone=None if context.zone is None else context.zone.name,
        payload=body.payload,
        digest=body.digest,
        secrets=body.secrets,
        profiles=profiles,
    )


def _with_password(payload: Payload) -> Payload:
    """`payload` as it will be once apply has put the password in."""
    configuration = payload.get("configuration")
    if isinstance(configuration, dict) and FIELD in configuration:
        return {**payload, "configuration": {**configuration, FIELD: _CHECKED_PASSWORD}}
    return payload

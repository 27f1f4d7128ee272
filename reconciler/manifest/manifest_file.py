"""One manifest → the exams and lifecycle blocks that it declares."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.manifest.bases import Bases
from reconciler.manifest.datetimes import zone_of
from reconciler.manifest.defaults import COURSE_FIELDS, Stack, count_nodes, merged
from reconciler.manifest.effective import (
    Context,
    body_of,
    context_of,
    course_of,
    is_user_sid,
    report_date_times,
    report_user,
)
from reconciler.manifest.findings import Findings
from reconciler.manifest.layers import Tracer, layers_of
from reconciler.manifest.passwords import FIELD, report_secret
from reconciler.manifest.profiles import profiles_of
from reconciler.manifest.rereading import Recipe, may_be_reread
from reconciler.manifest.rules.running import Written
from reconciler.manifest.schema_errors import Place, report_schema_errors
from reconciler.manifest.schema_verdicts import check_of
from reconciler.manifest.shells import report_partial_exams, report_shell, report_unknown_zone, report_zone
from reconciler.manifest.words import listed
from reconciler.manifest.yaml_documents import Document
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Stretch, Value
from reconciler.model.declarations import Declaration
from reconciler.model.environment import Environment
from reconciler.model.identities import (
    ADDRESS_RULE,
    Address,
    CourseSid,
    InstallSid,
    is_address,
    is_course_sid,
    is_install_sid,
)
from reconciler.model.origins import Origins, Tracing
from reconciler.model.payloads import Payload
from reconciler.model.positions import Position
from reconciler.values import dataclass, field

MAX_MERGED_NODES: Final = 2_000_000

_CHECKED_PASSWORD: Final = "-"  # noqa: S105 - stands for any text


@dataclass(frozen=True, slots=True)
class _Base:
    """What all exams of a file stand on; `install` is None where a finding says why."""

    stack: Stack
    context: Context
    install: InstallSid | None


@dataclass(slots=True)
class ManifestFile:
    """A parsed manifest on its way to declarations.

    `addresses` has the place of every usable address, also of exams that are wrong otherwise. `written` says
    of each of `exams` where it is written. `origins` is filled only where `tracing` asks for it. What is
    not held (`is_held`) for longer than needed is read again where a finding is about it.
    """

    document: Document
    findings: Findings
    environment: Environment
    bases: Bases
    tracing: Tracing
    is_held: bool = True
    exams: list[Declaration] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    addresses: dict[Address, tuple[Stretch, Position]] = field(default_factory=dict)
    origins: dict[Address, Origins] = field(default_factory=dict)
    _merged_nodes: int = 0

    def read(self) -> None:
        """Fill `exams`, `addresses` and `origins`, and note everything that is wrong."""
        root = self.document.root
        self.findings.has_mistakes |= not self.bases.are_whole
        report_shell(root, self.findings)
        exams = root.get("exams")
        if isinstance(exams, Marked):
            self._read_exams(exams)
        report_partial_exams(root, self.findings)

    def _read_exams(self, exams: Marked) -> None:
        stack = Stack(self._roots)
        below = stack.below()
        if below is not None and count_nodes(below) * len(exams) > MAX_MERGED_NODES:
            self._refuse_size()
            return
        base = _Base(stack, self._context(), self._install_sid())
        for key, (at, value_at) in exams.stretches().items():
            self.findings.exam = Stretch(at.start, max(at.end, value_at.end))
            self._read_exam(key, (at, value_at), exams[key], base)
        self.findings.exam = None

    @property
    def _roots(self) -> tuple[Marked, ...]:
        """The files that say what exams stand on, the one that wins last."""
        return (*self.bases.roots, self.document.root)

    def _refuse_size(self) -> None:
        root = self.document.root
        self.findings.add(
            "too-large",
            root.key_at("defaults" if "defaults" in root else "exams"),
            "the defaults and profiles, merged under every exam of this file, come to far too much",
            "Split the file, or move what few exams need out of `defaults`.",
        )

    def _context(self) -> Context:
        name = self.environment.timezone or self._nearest("timezone")
        zone = zone_of(name) if isinstance(name, str) else None
        if self.environment.timezone is not None and zone is None:
            report_unknown_zone(self.environment.timezone, Stretch(0, 0), self.findings)
        return Context(
            zone,
            {**_courses(self._roots), **self.environment.courses},
            {**_users(self._roots), **self.environment.users},
            zone_is_wrong=zone is None and name is not None,
        )

    def _nearest(self, key: str) -> Value:
        """What this file says under `key`, or else the nearest of those that it extends."""
        return next((root[key] for root in reversed(self._roots) if key in root), None)

    def _install_sid(self) -> InstallSid | None:
        """The install of every exam; None where a finding says why not."""
        if self.environment.install_sid is not None:
            return self.environment.install_sid
        written = self._nearest("installSid")
        if isinstance(written, str) and is_install_sid(written):
            return InstallSid(written)
        if self.bases.are_whole and not any("installSid" in root for root in self._roots):
            self.findings.add(
                "no-install-sid",
                self.document.root.key_at("exams"),
                "nothing says in which install these exams are to be created",
                "Add `installSid: AI…` at the top of the file, or to the environment.",
            )
        return None

    def _read_exam(self, key: str, marks: tuple[Stretch, Stretch], exam: Value, base: _Base) -> None:
        """Note what is wrong with one exam, and declare it where nothing is."""
        at, own = marks
        here = self.findings.source.next_position(at.start)
        address = Address(key) if is_address(key) else None
        if address is None:
            self.findings.add(
                "bad-address", at, f"{self.findings.echo(key)} cannot be an address", f"Use {ADDRESS_RULE}."
            )
        else:
            self.addresses[address] = at, here
        if self.findings.is_full:
            return
        place = Place(at, "an exam", address)
        is_right = report_schema_errors(check_of("manifest", "exam"), exam, place, self.findings)
        if not isinstance(exam, Marked) or not self.bases.are_whole:
            return  # where a base is missing, what it may have said is not missed once more
        profiles = profiles_of(exam, base.stack, address, self.findings)
        if profiles is None or not self._may_merge(profiles, base.stack):
            return
        below = base.stack.below(profiles)
        effective = merged(exam, below)
        context = context_of(effective, base.context)
        course = self._checked(effective, place, below, context)
        if course is None or not (is_right if effective is exam else self._is_right(effective, place)):
            return
        if address is None or base.install is None:
            return
        body = body_of(effective, context)
        if not check_of("create-exam").is_satisfied(_with_password(body.payload)):
            return
        declaration = Declaration(
            address=address,
            install_sid=base.install,
            course_sid=course[0],
            payload=body.payload,
            digest=body.digest,
            secrets=body.secrets,
            declared_at=here,
            course=course[1],
            timezone=None if context.zone is None else context.zone.name,
        )
        self.exams.append(declaration)
        kept = effective if self.is_held else self._let_go(key, at, own, effective, below)
        self.written.append(Written(declaration, kept, at, own, self.findings))
        if self.tracing is Tracing.ON:
            layers = layers_of(exam, profiles, base.stack)
            self.origins[address] = Tracer(self._roots, self.environment, self.findings).origins(
                effective, layers
            )

    def _let_go(
        self, key: str, at: Stretch, own: Stretch, effective: Marked, below: Marked | None
    ) -> Marked | Recipe:
        """What is kept of an exam: how to read it again, if that can be done, and its values otherwise."""
        source = self.findings.source
        if self.document.has_anchors or not may_be_reread(source, at, own):
            return effective
        exams = self.document.root["exams"]
        if isinstance(exams, Marked):
            exams[key] = None
        return Recipe(source, at, own, below)

    def _may_merge(self, profiles: tuple[str, ...], stack: Stack) -> bool:
        """Whether what is merged is within bounds with one more exam of `profiles`; a finding says if not."""
        if profiles:
            self._merged_nodes += sum(count_nodes(stack.profiles[name]) for name in profiles)
        if self._merged_nodes <= MAX_MERGED_NODES:
            return True
        self._refuse_size()
        return False

    def _checked(
        self, effective: Marked, place: Place, below: Marked | None, context: Context
    ) -> tuple[CourseSid, str | None] | None:
        """The course of an exam with which nothing is wrong; None where something is."""
        address = place.address
        configuration = effective.get("configuration")
        secret_is_right = True
        if isinstance(configuration, Marked):
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

    def _is_right(self, effective: Marked, place: Place) -> bool:
        """Whether what was merged satisfies the schema too; a finding says why not."""
        # What is wrong is known already, if not that this exam has it from defaults or a profile.
        return report_schema_errors(check_of("manifest", "exam"), effective, place, self.findings)

    def _report_missing(self, effective: Marked, place: Place, defaults: Marked | None) -> None:
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


def _courses(roots: Iterable[Marked]) -> dict[str, CourseSid]:
    """The courses by alias; a later one of `roots` wins."""
    return {alias: CourseSid(sid) for alias, sid in _aliases("courses", roots) if is_course_sid(sid)}


def _users(roots: Iterable[Marked]) -> dict[str, str]:
    """The users by alias; a later one of `roots` wins."""
    return {alias: sid for alias, sid in _aliases("users", roots) if is_user_sid(sid)}


def _aliases(block: str, roots: Iterable[Marked]) -> Iterator[tuple[str, str]]:
    for root in roots:
        written = root.get(block)
        for alias, sid in written.items() if isinstance(written, Marked) else ():
            if isinstance(sid, str):
                yield alias, sid


def _with_password(payload: Payload) -> Payload:
    """`payload` as it will be once apply has put the password in."""
    configuration = payload.get("configuration")
    if isinstance(configuration, Mapping) and FIELD in configuration:
        return {**payload, "configuration": {**configuration, FIELD: _CHECKED_PASSWORD}}
    return payload

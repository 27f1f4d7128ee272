"""One manifest → the exams and lifecycle blocks that it declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.manifest.datetimes import zone_names, zone_of
from reconciler.manifest.defaults import COURSE_FIELDS, count_nodes, merged
from reconciler.manifest.effective import Context, course_of, payload_of, report_date_times, report_user
from reconciler.manifest.findings import Findings
from reconciler.manifest.passwords import FIELD, report_secret
from reconciler.manifest.rules.running import Written
from reconciler.manifest.schema_errors import Place, check_of, report_schema_errors
from reconciler.manifest.words import listed, suggestion
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
from reconciler.model.payloads import Payload, digest_of

MAX_MERGED_NODES: Final = 2_000_000

_CHECKED_PASSWORD: Final = "-"  # noqa: S105 - stands for any text


@dataclass(frozen=True, slots=True)
class _Base:
    """What all exams of a file stand on; `install` is None where a finding says why."""

    defaults: Marked | None
    context: Context
    install: InstallSid | None


@dataclass(slots=True)
class ManifestFile:
    """A parsed manifest on its way to declarations.

    `addresses` has the place of every usable address, also of exams that are wrong otherwise. `written` says
    of each of `exams` where it is written.
    """

    document: Document
    findings: Findings
    environment: Environment
    exams: list[Declaration] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    addresses: dict[Address, Stretch] = field(default_factory=dict)

    def read(self) -> None:
        """Fill `exams` and `addresses`, and note everything that is wrong."""
        root = self.document.root
        self._check_shell(root)
        exams = root.get("exams")
        if not isinstance(exams, Marked):
            return
        defaults = root.get("defaults")
        defaults = defaults if isinstance(defaults, Marked) else None
        if defaults is not None and count_nodes(defaults) * len(exams) > MAX_MERGED_NODES:
            self.findings.add(
                "too-large",
                root.key_at("defaults"),
                "the defaults, merged under every exam of this file, come to far too much",
                "Split the file, or move what few exams need out of `defaults`.",
            )
            return
        context = self._context(root)
        if defaults is not None:
            self._check_defaults(defaults, context)
        base = _Base(defaults, context, self._install_sid(root))
        for key, marks in exams.stretches().items():
            self._read_exam(key, marks, exams[key], base)

    def _check_shell(self, root: Marked) -> None:
        """Check all but the exams, which are checked one by one."""
        shell = Marked()
        for key, (key_at, value_at) in root.stretches().items():
            value = Marked() if key == "exams" and isinstance(root[key], Marked) else root[key]
            shell.put(key, value, key_at, value_at)
        report_schema_errors(check_of("manifest"), shell, Place(Stretch(0, 0), "a manifest"), self.findings)

    def _check_defaults(self, defaults: Marked, context: Context) -> None:
        configuration = defaults.get("configuration")
        if isinstance(configuration, Marked):
            report_secret(configuration, None, self.findings)
        report_date_times(defaults, context, None, self.findings)
        report_user(defaults, context, None, self.findings)

    def _context(self, root: Marked) -> Context:
        written = root.get("timezone")
        name = self.environment.timezone or written
        zone = zone_of(name) if isinstance(name, str) else None
        if isinstance(written, str) and zone_of(written) is None:
            self._report_zone(written, root.value_at("timezone"))
        elif name is not None and zone is None and isinstance(name, str):
            self._report_zone(name, Stretch(0, 0))
        aliases = root.get("courses")
        courses = {
            key: CourseSid(value)
            for key, value in (aliases.items() if isinstance(aliases, Marked) else ())
            if isinstance(value, str) and is_course_sid(value)
        }
        return Context(
            zone,
            {**courses, **self.environment.courses},
            self.environment.users,
            zone_is_wrong=zone is None and name is not None,
        )

    def _report_zone(self, name: str, at: Stretch) -> None:
        self.findings.add(
            "unknown-timezone",
            at,
            f"{self.findings.echo(name)} is not the name of a time zone",
            suggestion(name, zone_names(), "Write an IANA name, such as America/New_York."),
        )

    def _install_sid(self, root: Marked) -> InstallSid | None:
        """The install of every exam; None where a finding says why not."""
        if self.environment.install_sid is not None:
            return self.environment.install_sid
        written = root.get("installSid")
        if isinstance(written, str) and is_install_sid(written):
            return InstallSid(written)
        if "installSid" not in root:
            self.findings.add(
                "no-install-sid",
                root.key_at("exams"),
                "nothing says in which install these exams are to be created",
                "Add `installSid: AI…` at the top of the file, or to the environment.",
            )
        return None

    def _read_exam(
        self,
        key: str,
        marks: tuple[Stretch, Stretch],
        exam: Value,
        base: _Base,
    ) -> None:
        """Note what is wrong with one exam, and declare it where nothing is."""
        at, own = marks
        address = Address(key) if is_address(key) else None
        if address is None:
            self.findings.add(
                "bad-address", at, f"{self.findings.echo(key)} cannot be an address", f"Use {ADDRESS_RULE}."
            )
        else:
            self.addresses[address] = at
        if self.findings.is_full:
            return
        place = Place(at, "an exam", address)
        report_schema_errors(check_of("manifest", "exam"), exam, place, self.findings)
        if not isinstance(exam, Marked):
            return
        effective = merged(exam, base.defaults)
        course = self._checked(effective, place, base)
        if address is None or course is None or base.install is None:
            return
        payload, secrets = payload_of(effective, base.context)
        zone = base.context.zone
        declaration = Declaration(
            address=address,
            install_sid=base.install,
            course_sid=course[0],
            payload=payload,
            digest=digest_of(payload),
            secrets=secrets,
            declared_at=self.findings.source.position(at.start),
            course=course[1],
            timezone=None if zone is None else zone.name,
        )
        self.exams.append(declaration)
        self.written.append(Written(declaration, effective, at, own, self.findings))

    def _checked(self, effective: Marked, place: Place, base: _Base) -> tuple[CourseSid, str | None] | None:
        """The course of an exam with which nothing is wrong; None where something is."""
        address, context = place.address, base.context
        configuration = effective.get("configuration")
        secret_is_right = True
        if isinstance(configuration, Marked):
            secret_is_right = report_secret(configuration, place.address, self.findings)
        dates_are_right = report_date_times(effective, context, place.address, self.findings)
        user_is_right = report_user(effective, context, place.address, self.findings)
        self._report_missing(effective, place, base.defaults)
        course = course_of(effective, context, address, self.findings)
        if course is None or not (secret_is_right and dates_are_right and user_is_right):
            return None
        fits_manifest = check_of("manifest", "exam").is_satisfied(effective)
        return course if fits_manifest and self._fits_body(effective, context) else None

    def _fits_body(self, effective: Marked, context: Context) -> bool:
        """Whether what would be sent satisfies the documented schema."""
        payload, _ = payload_of(effective, context)
        return check_of("create-exam").is_satisfied(_with_password(payload))

    def _report_missing(self, effective: Marked, place: Place, defaults: Marked | None) -> None:
        """Note the required fields that neither the exam nor its defaults have."""
        missing = [name for name in check_of("create-exam").required if name not in effective]
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
        if not any(name in effective for name in COURSE_FIELDS):
            self.findings.add(
                "no-course",
                place.at,
                "the exam names no course",
                f"Add `course:` with an alias, or `courseSid: CU…`; {merged_in}.",
                address=place.address,
            )


def _with_password(payload: Payload) -> Payload:
    """`payload` as it will be once apply has put the password in."""
    configuration = payload.get("configuration")
    if isinstance(configuration, Mapping) and FIELD in configuration:
        return {**payload, "configuration": {**configuration, FIELD: _CHECKED_PASSWORD}}
    return payload

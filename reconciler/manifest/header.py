"""The header of a manifest: all its fields except `exams`, which apply to every exam of the file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.dates import report_date_times, report_unknown_zone, report_zone
from reconciler.manifest.exam.merge import PROFILES, PartialExams, report_misplaced_sections
from reconciler.manifest.exam.passwords import report_secret
from reconciler.manifest.schema.messages import NamedRange, report_schema_errors
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.yaml.nodes import MERGE, TextRange, Value, YamlMapping
from reconciler.model.destination import Environment
from reconciler.model.identities import (
    CourseSid,
    InstallSid,
    is_address_part,
    is_course_sid,
    is_install_sid,
    is_user_sid,
)
from reconciler.model.terms import Term
from reconciler.model.words import listed, suggestion
from reconciler.zones import zone_of

_EXAMS: Final = "exams"
_ALIASES: Final = ("courses", "users")


class FileContext(Struct, frozen=True):
    """Values that apply to all exams of a file: from the file, its base files, and the environment.

    `zone` is None if no time zone is named, or an unknown one (`zone_is_wrong`). `install` is None if it is
    missing or wrong. `term` is None if the file names none, or an unknown one (`term_is_wrong`).
    """

    environment: Environment
    partial_exams: PartialExams
    zone: ZoneInfo | None
    zone_is_wrong: bool
    courses: Mapping[str, CourseSid]
    users: Mapping[str, str]
    install: InstallSid | None
    written_aliases: frozenset[tuple[str, str]] = frozenset()
    """All aliases of the files, those with a wrong SID too, each with its block: `courses` or `users`."""
    term: Term | None = None
    term_is_wrong: bool = False

    def is_reported(self, block: str, alias: str) -> bool:
        """Return whether a diagnostic tells already why `alias`, which has no usable SID, has none."""
        return not self.written_aliases.isdisjoint({(block, alias), (block, MERGE)})

    def is_for(self, environments: Sequence[str]) -> bool:
        """Return whether the chosen environment is one of these; none of them, or none chosen, means all."""
        return not environments or self.environment.name in {None, *environments}

    def for_exam(self, exam: YamlMapping) -> "FileContext":
        """Return the context of `exam`, whose own `timezone` overrides that of the file."""
        if "timezone" not in exam:
            return self
        name = exam["timezone"]
        zone = zone_of(name) if isinstance(name, str) else None
        return replace(self, zone=zone, zone_is_wrong=zone is None)


def context_of(
    roots: Sequence[YamlMapping], environment: Environment, diagnostics: FileDiagnostics
) -> FileContext:
    """Return the context of a manifest.

    `roots` are its base files and the manifest, lowest precedence first. Values of `environment` override all
    of them.
    """
    name = environment.timezone or _nearest("timezone", roots)
    zone = zone_of(name) if isinstance(name, str) else None
    if environment.timezone is not None and zone is None:
        report_unknown_zone(environment.timezone, TextRange(0, 0), diagnostics)
    written, term = _nearest("installSid", roots), term_of(roots[-1])
    usable = InstallSid(written) if isinstance(written, str) and is_install_sid(written) else None
    return FileContext(
        environment=environment,
        partial_exams=PartialExams(roots),
        zone=zone,
        zone_is_wrong=zone is None and name is not None,
        courses={alias: CourseSid(sid) for alias, sid in _aliases("courses", roots) if is_course_sid(sid)}
        | dict(environment.courses),
        users={alias: sid for alias, sid in _aliases("users", roots) if is_user_sid(sid)}
        | dict(environment.users),
        install=environment.install_sid or usable,
        written_aliases=frozenset(
            (block, alias) for block in _ALIASES for root in roots for alias in root.mapping(block)
        ),
        term=environment.terms.get(term or ""),
        term_is_wrong="term" in roots[-1] and term not in environment.terms,
    )


def term_of(root: YamlMapping) -> str | None:
    """Return the name of the term of a manifest; None if it has none, or one that cannot be a name."""
    name = root.get("term")
    return name if isinstance(name, str) and is_address_part(name) else None


def report_term(root: YamlMapping, environment: Environment, diagnostics: FileDiagnostics) -> None:
    """Report a term that the workspace does not define."""
    name = root.get("term")
    if isinstance(name, str) and name not in environment.terms:
        known = listed(environment.terms)
        advice = f"There are: {known}." if known else "Define it under `terms` of reconciler.yaml."
        diagnostics.add(
            "unknown-term",
            root.value_at("term"),
            f"there is no term {diagnostics.echo(name)}",
            suggestion(name, environment.terms, advice),
        )


def report_missing_install(
    roots: Sequence[YamlMapping], context: FileContext, diagnostics: FileDiagnostics
) -> None:
    """Report exams in the last of `roots` for which neither a file nor the environment names an install."""
    holders = (*roots, *filter(None, map(roots[-1].mapping(_EXAMS).mapping, roots[-1].mapping(_EXAMS))))
    if context.install is None and not any("installSid" in holder for holder in holders):
        diagnostics.add(
            "no-install-sid",
            roots[-1].key_at(_EXAMS),
            "no install is named for these exams",
            "Add `installSid: AI…` at the top of the file, or to the environment.",
        )


def _nearest(key: str, roots: Sequence[YamlMapping]) -> Value:
    """Return the value of `key` in the last of `roots` that has it; None if no file has it."""
    return next((root[key] for root in reversed(roots) if key in root), None)


def _aliases(block: str, roots: Sequence[YamlMapping]) -> Iterator[tuple[str, str]]:
    for root in roots:
        for alias, sid in root.mapping(block).items():
            if isinstance(sid, str):
                yield alias, sid


def report_header(root: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report mistakes in `root` outside its exams, which are checked one by one."""
    header = root.copy()
    if isinstance(root.get(_EXAMS), YamlMapping):
        header[_EXAMS] = YamlMapping()
    report_schema_errors(check_of("manifest"), header, NamedRange(TextRange(0, 0), "a manifest"), diagnostics)
    report_zone(root, diagnostics)
    for partial in _partial_exams(root):
        report_zone(partial, diagnostics)
        report_misplaced_sections(partial, "what exams share", diagnostics)
    for name, profile in root.mapping(PROFILES).items():
        if isinstance(profile, YamlMapping) and PROFILES in profile:
            diagnostics.add(
                "nested-profile",
                profile.key_at(PROFILES),
                f"the profile {diagnostics.echo(name)} lists profiles itself",
                "Let the exam list them all, in the order in which they are to win.",
            )


def report_partial_exams(root: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report mistakes in defaults and profiles, even if no exam uses them; call it after the exams.

    A mistake that affects an exam is then already reported, with the address of the exam.
    """
    for partial in _partial_exams(root):
        report_secret(partial.mapping("configuration"), diagnostics)
        report_date_times(partial, zone_of("UTC"), diagnostics)


def _partial_exams(root: YamlMapping) -> Iterator[YamlMapping]:
    """Yield the defaults and the profiles that `root` has."""
    for partial in (root.get("defaults"), *root.mapping(PROFILES).values()):
        if isinstance(partial, YamlMapping):
            yield partial

"""Turns one parsed manifest into declarations of its exams."""

from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.provenance import TracedExams, Tracer
from reconciler.manifest.exam.resolve import Resolver
from reconciler.manifest.extends import Bases
from reconciler.manifest.header import context_of, report_header, report_missing_install, report_partial_exams
from reconciler.manifest.rule_diagnostics import LocatedDeclaration
from reconciler.manifest.schema.messages import NamedRange
from reconciler.manifest.yaml.nodes import BROKEN, MERGE, TextRange, Value, YamlMapping
from reconciler.model.declarations import Declaration, ExamElsewhere
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Position
from reconciler.model.identities import ADDRESS_RULE, Address, is_address
from reconciler.model.payloads import digest_of


class ManifestFile(Struct):
    """A parsed manifest, and what `read` finds in it.

    `declared` are the exams without mistakes, and `elsewhere` those for other environments only; `addresses`
    are the places of all valid addresses, also of exams with mistakes. `provenance` may be shared by several
    files. `names` maps SIDs of courses and users to their aliases.
    """

    root: YamlMapping
    diagnostics: FileDiagnostics
    environment: Environment
    bases: Bases
    provenance: TracedExams
    declared: list[LocatedDeclaration] = field(default_factory=list)
    elsewhere: list[ExamElsewhere] = field(default_factory=list)
    addresses: dict[Address, tuple[TextRange, Position]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Fill in what the manifest says, and report all mistakes."""
        self.diagnostics.is_partly_judged |= not self.bases.are_whole
        report_header(self.root, self.diagnostics)
        exams = self.root.get("exams")
        if isinstance(exams, YamlMapping):
            self._read_exams(exams)
        report_partial_exams(self.root, self.diagnostics)

    def _read_exams(self, exams: YamlMapping) -> None:
        roots, are_whole = (*self.bases.roots, self.root), self.bases.are_whole
        context = context_of(roots, self.environment, self.diagnostics)
        self.names.update({sid: alias for alias, sid in (*context.courses.items(), *context.users.items())})
        resolver = Resolver(self.root, context, self.diagnostics, are_whole)
        tracer = Tracer(roots, self.environment, self.diagnostics, context.partial_exams)
        if not resolver.may_merge_under(len(exams)):
            return
        for key, (at, own) in exams.ranges().items():
            if exams[key] is BROKEN and key == MERGE:
                continue
            self.diagnostics.exam = TextRange(at.start, max(at.end, own.end))
            self.diagnostics.address = Address(key) if is_address(key) else None
            self._read_exam(key, at, own, exams[key], resolver, tracer)
        self.diagnostics.exam = self.diagnostics.address = None
        resolver.report_lacking()
        if are_whole and len(exams) > len(self.elsewhere):
            report_missing_install(roots, context, self.diagnostics)

    def _read_exam(  # noqa: PLR0913, PLR0917 - the exam, its places, and what is made once for a file
        self, key: str, at: TextRange, own: TextRange, exam: Value, resolver: Resolver, tracer: Tracer
    ) -> None:
        """Report mistakes in one exam; declare it if it has none."""
        here, address = self.diagnostics.source.position(at.start), self.diagnostics.address
        if address is None:
            self.diagnostics.add(
                "bad-address",
                at,
                f"{self.diagnostics.echo(key)} cannot be an address",
                f"Use {ADDRESS_RULE}.",
            )
        else:
            self.addresses[address] = at, here
        if self.diagnostics.is_full:
            return
        resolved = resolver.resolve(exam, NamedRange(at, "an exam"))
        if isinstance(resolved, tuple):
            self.diagnostics.is_partly_judged = True
            if address is not None:
                self.elsewhere.append(ExamElsewhere(address=address, environments=resolved, declared_at=here))
            return
        install = resolver.context.install
        if resolved is None or address is None or install is None:
            return
        declaration = Declaration(
            address=address,
            install_sid=install,
            course_sid=resolved.course_sid,
            payload=resolved.payload,
            digest=digest_of(resolved.payload),
            secrets=resolved.secrets,
            declared_at=here,
            course=resolved.course,
            timezone=resolved.timezone,
        )
        self.declared.append(LocatedDeclaration(declaration, resolved.values, at, own, self.diagnostics))
        if isinstance(exam, YamlMapping):
            self.provenance.add(address, tracer, exam, resolved)

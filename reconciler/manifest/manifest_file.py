"""Turns one parsed manifest into declarations of its exams."""

from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.provenance import TracedExams, Tracer
from reconciler.manifest.exam.resolve import Resolver
from reconciler.manifest.exam.sections import WrittenExam, written_exams
from reconciler.manifest.extends import Bases
from reconciler.manifest.header import (
    context_of,
    report_header,
    report_missing_install,
    report_partial_exams,
    report_term,
    term_of,
)
from reconciler.manifest.rule_diagnostics import LocatedDeclaration
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.declarations import Declaration, ExamElsewhere
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address
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
    addresses: list[tuple[Address, TextRange, Position]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Fill in what the manifest says, and report all mistakes."""
        self.diagnostics.is_partly_judged |= not self.bases.are_whole
        report_header(self.root, self.diagnostics)
        report_term(self.root, self.environment, self.diagnostics)
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
        written = list(written_exams(exams, term_of(self.root), self.diagnostics))
        if not resolver.may_merge_under(len(written)):
            return
        for exam in written:
            self.diagnostics.exam = TextRange(exam.at.start, max(exam.at.end, exam.own.end))
            self.diagnostics.address = exam.address
            self._read_exam(exam, resolver, tracer)
        self.diagnostics.exam = self.diagnostics.address = None
        resolver.report_lacking()
        if are_whole and len(written) > len(self.elsewhere):
            report_missing_install(roots, context, self.diagnostics)

    def _read_exam(self, exam: WrittenExam, resolver: Resolver, tracer: Tracer) -> None:
        """Report mistakes in one exam; declare it if it has none."""
        here, address = self.diagnostics.source.position(exam.at.start), exam.address
        if address is not None:
            self.addresses.append((address, exam.at, here))
        if self.diagnostics.is_full or not resolver.may_add(exam.copied):
            return
        resolved = resolver.resolve(exam.value(self.diagnostics), exam.place, exam.section)
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
            term=term_of(self.root),
            section=None if exam.section is None else exam.section.section,
            assignees=resolved.assignees,
        )
        self.declared.append(
            LocatedDeclaration(declaration, resolved.values, exam.at, exam.own, self.diagnostics)
        )
        self.provenance.add(address, tracer, exam.layers, resolved)

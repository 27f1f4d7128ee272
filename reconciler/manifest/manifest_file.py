"""One manifest → the exams and lifecycle blocks that it declares."""

from msgspec import Struct, field

from reconciler.manifest.bases import Bases
from reconciler.manifest.declaring import Declarer, Ready
from reconciler.manifest.findings import Findings
from reconciler.manifest.ground import Ground, Standing
from reconciler.manifest.layers import Tracer, layers_of
from reconciler.manifest.rereading import Recipe, may_be_reread
from reconciler.manifest.rules.running import Written
from reconciler.manifest.schema_errors import Place
from reconciler.manifest.shells import report_partial_exams, report_shell
from reconciler.manifest.yaml_documents import Document
from reconciler.manifest.yaml_nodes import Mapping, Stretch, Unmarked, Value
from reconciler.model.declarations import Declaration
from reconciler.model.environment import Environment
from reconciler.model.identities import ADDRESS_RULE, Address, InstallSid, is_address
from reconciler.model.origins import Origins, Tracing
from reconciler.model.positions import Position


class ManifestFile(Struct):
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

    def read(self) -> None:
        """Fill `exams`, `addresses` and `origins`, and note everything that is wrong."""
        root, ground = self.document.root, self.document.ground
        self.findings.has_mistakes |= not self.bases.are_whole
        if ground is None:
            report_shell(root, self.findings)
        exams = root.get("exams")
        if isinstance(exams, Mapping):
            self._read_exams(exams, ground)
        if ground is None:
            report_partial_exams(root, self.findings)

    def _read_exams(self, exams: Mapping, ground: Ground | None) -> None:
        roots = (*self.bases.roots, self.document.root)
        standing = Standing(roots, self.environment, self.bases.are_whole, self.findings)
        ground = ground or standing.ground()
        if not standing.bears(ground.weight * len(exams)):
            return
        declarer = Declarer(standing, ground, self.findings)
        for key, (at, own) in exams.stretches().items():
            self.findings.exam = Stretch(at.start, max(at.end, own.end))
            self._read_exam(key, (at, own), exams[key], declarer)
        self.findings.exam = None

    def _read_exam(self, key: str, marks: tuple[Stretch, Stretch], exam: Value, declarer: Declarer) -> None:
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
        effective: Mapping | None = None
        ready = self.document.ready.get(key)
        if ready is None:
            declared = self._declare(exam, Place(at, "an exam", address), own, declarer)
            if declared is None:
                return
            ready, effective = declared
        elif not declarer.may_merge(ready.profiles):
            return
        ground = declarer.ground
        if address is None or ground.install is None:
            return
        declaration = _declaration(address, ground.install, ready, here)
        self.exams.append(declaration)
        kept = self._kept(key, marks, effective, ground.stack.below(ready.profiles))
        self.written.append(Written(declaration, kept, at, own, self.findings))
        if self.tracing is Tracing.ON and isinstance(exam, Mapping) and effective is not None:
            layers = layers_of(exam, ready.profiles, ground.stack)
            tracer = Tracer(declarer.standing.roots, self.environment, self.findings)
            self.origins[address] = tracer.origins(effective, layers)

    def _declare(
        self, exam: Value, place: Place, own: Stretch, declarer: Declarer
    ) -> tuple[Ready, Mapping] | None:
        """What `exam` declares, and all that is effective; read again with marks if anything is wrong."""
        if not isinstance(exam, Mapping) or not exam.is_unmarked:
            return declarer.declare(exam, place)
        merged_before = declarer.merged_nodes
        self.findings.is_unmarked = True
        try:
            return declarer.declare(exam, place)
        except Unmarked:
            self.findings.is_unmarked = False
            declarer.merged_nodes = merged_before
            return declarer.declare(Recipe(self.findings.source, place.at, own, None).written(), place)
        finally:
            self.findings.is_unmarked = False

    def _kept(
        self, key: str, marks: tuple[Stretch, Stretch], effective: Mapping | None, below: Mapping | None
    ) -> Mapping | Recipe:
        """What is kept of an exam: its values with their marks, or how to read it again."""
        recipe = Recipe(self.findings.source, *marks, below, self.is_held)
        if effective is None or effective.is_unmarked:
            return recipe
        if self.is_held or not self._may_be_let_go(*marks):
            return effective
        exams = self.document.root["exams"]
        if isinstance(exams, Mapping):
            exams[key] = None
        return recipe

    def _may_be_let_go(self, at: Stretch, own: Stretch) -> bool:
        """Whether an exam can be read again by itself: not one with anchors, or within brackets."""
        source = self.findings.source
        in_brackets = source.text.startswith("{", self.document.root.value_at("exams").start)
        return not self.document.has_anchors and not in_brackets and may_be_reread(source, at, own)


def _declaration(address: Address, install: InstallSid, ready: Ready, here: Position) -> Declaration:
    return Declaration(
        address=address,
        install_sid=install,
        course_sid=ready.course_sid,
        payload=ready.payload,
        digest=ready.digest,
        secrets=ready.secrets,
        declared_at=here,
        course=ready.course,
        timezone=ready.timezone,
    )

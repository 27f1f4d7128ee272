"""Makes next term's manifests from this term's: their text, edited where the two terms differ.

A base file is made anew too if it holds something of the term: then its copy is what the new files extend.
Nothing is written here.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.drafting.exam_edits import ExamEdits
from reconciler.drafting.header_edits import edit_courses, edit_term, remove_blocks
from reconciler.drafting.new_text import NewText
from reconciler.drafting.term_shift import TermShift
from reconciler.drafting.text_edits import TextEdits
from reconciler.drafting.written_file import START, WrittenFile
from reconciler.manifest import paths
from reconciler.manifest.header import context_of
from reconciler.manifest.paths import ManifestPath
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.errors import ManifestInvalid
from reconciler.model.rollover import RolledFile, Rollover, RolloverNote
from reconciler.model.terms import Term

if TYPE_CHECKING:
    from reconciler.manifest.diagnostics import FileDiagnostics


class _Base(Struct, frozen=True):
    """A base file: `copy` is the name of its copy for the new term, None if it serves both terms.

    `roots` are the documents that it stands for, lowest precedence first, and `courses` the new short names
    that its copy, and those that this extends, define.
    """

    copy: str | None
    roots: tuple[YamlMapping, ...]
    courses: frozenset[str]


_NO_BASE: Final = _Base(None, (), frozenset())


def roll_over(
    files: Iterable[ManifestPath],
    *,
    root: Path,
    environment: Environment,
    terms: tuple[Term, Term],
    courses: Mapping[str, Collection[str]],
) -> Rollover:
    """Return the files of the second of `terms`, made from `files` of the first, which have no errors.

    `courses` are the short names of the courses of exams, by file. Raises ManifestInvalid.
    """
    run = _Run(root, environment, TermShift(*terms), courses)
    for file in files:
        run.roll_over(file)
    found = [each for diagnostics in run.diagnostics.values() for each in diagnostics.collected]
    errors = tuple(each for each in found if each.severity is Severity.ERROR)
    if errors:
        raise ManifestInvalid(
            errors, "nothing was written", hint="Mend what is listed, or leave those files out."
        )
    return Rollover(files=tuple(run.files.values()), warnings=tuple(run.warnings), notes=tuple(run.notes))


class _Run:
    """Makes file after file; `diagnostics` are those of the files that were read, by name."""

    def __init__(
        self, root: Path, environment: Environment, shift: TermShift, courses: Mapping[str, Collection[str]]
    ) -> None:
        self._root = root
        self._environment = environment
        self._shift = shift
        self._courses = courses
        self._bases: dict[str, _Base] = {}
        self.files: dict[str, RolledFile] = {}
        self.warnings: list[Diagnostic] = []
        self.notes: list[RolloverNote] = []
        self.diagnostics: dict[str, FileDiagnostics] = {}

    def roll_over(self, file: ManifestPath) -> None:
        """Make the new file of one manifest."""
        written = self._read(file)
        if written is None or not self._is_of_term(written):
            return
        if not written.root.mapping("exams"):
            self._note(f"nothing is made from {file.name}", "It declares no exam of the term.")
            return
        bases = self._bases_of(written)
        exams = self._exams_of(written, bases)
        needed = {*exams.aliases, *map(self._shift.renamed, self._courses.get(file.name, ()))}
        needed.difference_update(*(base.courses for base in bases))
        self._make(written, exams, bases, self._new_name(file.name), needed)

    def _read(self, file: ManifestPath) -> WrittenFile | None:
        """Return the file, or report that it is unusable and return None."""
        data = paths.read_bounded(file.path)
        diagnostics, document = read(file.name, data)
        self.diagnostics[file.name] = diagnostics
        target = self._root / file.name  # another file if the name holds characters that are not shown
        if target.is_symlink() or not target.exists() or not paths.is_inside(target, self._root):
            diagnostics.add(
                "outside-workspace",
                START,
                "this file is a link, is outside the workspace, or has an unusual name",
                "Name a file below the workspace's directory, and no link to it.",
            )
            return None
        return None if document is None else WrittenFile(file, data, diagnostics, document)

    def _is_of_term(self, written: WrittenFile) -> bool:
        """Return whether all exams of a manifest are of the old term; report the first that is not."""
        root, old = written.root, self._shift.old.name
        at = root.value_at("term") if "term" in root and root["term"] != old else None
        if "term" not in root:
            keys = root.mapping("exams").ranges().items()
            at = next((key_at for key, (key_at, _) in keys if not key.startswith(f"{old}/")), None)
        if at is None:
            return True
        written.diagnostics.add(
            "other-term",
            at,
            f"this is not of the term {old}",
            f"Name manifests with `term: {old}`, or whose addresses all begin with '{old}/'.",
        )
        return False

    def _new_name(self, name: str) -> str:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name in messages is text
        return self._shift.with_new_name(name) or f"{stem}-{self._shift.new.name}{suffix}"

    def _bases_of(self, written: WrittenFile) -> list[_Base]:
        """Return the base files that `written` extends, in the order in which it names them."""
        folder = Path(written.file.path).parent
        return [self._base(os.path.realpath(folder / str(name))) for name in written.root.sequence("extends")]

    def _base(self, real_path: str) -> _Base:
        """Return a base file; make its copy when it is first met, if it holds anything of the term."""
        if real_path not in self._bases:
            name = os.path.relpath(real_path, os.path.realpath(self._root))
            written = self._read(ManifestPath(real_path, name))
            self._bases[real_path] = _NO_BASE if written is None else self._new_base(written)
        return self._bases[real_path]

    def _new_base(self, written: WrittenFile) -> _Base:
        name, bases = written.file.name, self._bases_of(written)
        roots = (*_roots_of(bases), written.root)
        courses = frozenset[str]().union(*(base.courses for base in bases))
        exams = self._exams_of(written, bases)
        is_of_term = self._shift.with_new_name(name) is not None or any(base.copy for base in bases)
        if not (is_of_term or exams.has_edits):
            return _Base(None, roots, courses)
        copy = self._new_name(name)
        if os.path.lexists(self._root / copy):
            self._note(f"{copy} exists, and is extended as it is", "To have it made anew, move it away.")
        else:
            self._make(written, exams, bases, copy)
        return _Base(copy, roots, courses | set(map(self._shift.renamed, written.root.mapping("courses"))))

    def _note(self, message: str, hint: str) -> None:
        self.notes.append(RolloverNote(message=message, hint=hint))

    def _exams_of(self, written: WrittenFile, bases: Sequence[_Base]) -> ExamEdits:
        """Return the edits of the exams of `written`; report what cannot be edited."""
        context = context_of((*_roots_of(bases), written.root), self._environment, written.diagnostics)
        exams = ExamEdits(TextEdits(written.source.text, written.document), self._shift, context)
        with written.reporting():
            exams.edit(written.root)
        return exams

    def _make(
        self,
        written: WrittenFile,
        exams: ExamEdits,
        bases: Sequence[_Base],
        name: str,
        needed: Collection[str] = (),
    ) -> None:
        """Make the new file `name`, with the `needed` short names; report why that is impossible."""
        if not self._may_make(written, name):
            return
        with written.reporting():
            edit_term(written.root, exams.edits, self._shift)
            self._edit_extends(written, bases, exams.edits, self._root / name)
            remove_blocks(written, exams.edits)
            edit_courses(written, exams.edits, self._shift, needed)
            if not written.has_errors:
                made = NewText(written, name, exams)
                self.files[name] = made.rolled()
                self.warnings += made.warnings()

    def _may_make(self, written: WrittenFile, name: str) -> bool:
        """Return whether the file `name` can be made; report why not, unless that is done."""
        target, other = self._root / name, self.files.get(name)
        if written.has_errors:
            return False
        if other is not None:
            message = f"{name} is also made from {other.source}"
        elif os.path.lexists(target):
            message = f"{name} exists already"
        elif not paths.is_inside(target, self._root):
            message = f"{name} leads out of the workspace through a link"
        else:
            return True
        written.diagnostics.add(
            "exists", START, message, "Nothing is written over it: move it away, or leave this file out."
        )
        return False

    def _edit_extends(
        self, written: WrittenFile, bases: Sequence[_Base], edits: TextEdits, target: Path
    ) -> None:
        """Let the file at `target` extend the copies of `bases`, or find these from its own folder."""
        names, folder = written.root.sequence("extends"), Path(written.file.path).parent
        for index, (name, base) in enumerate(zip(names, bases, strict=True)):
            file = folder / str(name) if base.copy is None else self._root / base.copy
            path = os.path.relpath(file, target.parent)
            if path != os.path.normpath(str(name)):
                edits.replace(names.item_at(index), path)


def _roots_of(bases: Iterable[_Base]) -> Collection[YamlMapping]:
    """Return the documents of `bases`, each once."""
    return {id(root): root for base in bases for root in base.roots}.values()

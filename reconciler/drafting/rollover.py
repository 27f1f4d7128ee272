"""Makes next term's manifests from this term's: their text, edited where the two terms differ.

A base file is made anew too if it holds something of the term: then its copy is what the new files extend.
Nothing is written here.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.drafting.block_removal import ranges_in_block_style, ranges_in_flow_style
from reconciler.drafting.exam_edits import ExamEdits
from reconciler.drafting.term_shift import TermShift
from reconciler.drafting.text_diff import unified_diff
from reconciler.drafting.text_edits import CannotEdit, Meant, Moved, TextEdits
from reconciler.manifest import paths
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.unfilled import FILL_IN
from reconciler.manifest.header import context_of
from reconciler.manifest.lifecycle import BLOCKS
from reconciler.manifest.paths import ManifestPath
from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.document import YamlDocument, read
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Position, Severity, has_errors
from reconciler.model.errors import ManifestInvalid
from reconciler.model.rollover import Gap, RolledFile, Rollover, RolloverNote, ShiftedField
from reconciler.model.terms import Term, monday_of

_KEPT_BLOCK: Final = "distinct"
_BOM: Final = b"\xef\xbb\xbf"
_START: Final = TextRange(0, 0)


class _Written(Struct, frozen=True):
    """A file as it is written; `diagnostics` gets its mistakes."""

    file: ManifestPath
    data: bytes
    diagnostics: FileDiagnostics
    document: YamlDocument

    @property
    def root(self) -> YamlMapping:
        return self.document.root

    @property
    def source(self) -> SourceText:
        return self.diagnostics.source


class _Base(Struct, frozen=True):
    """A base file: `copy` is the name of its copy for the new term, None if it serves both terms.

    `roots` are the documents that it stands for, lowest precedence first, and `courses` the new short names
    that its copy, and those that this extends, define.
    """

    copy: str | None
    roots: tuple[YamlMapping, ...]
    courses: frozenset[str]


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
        run.manifest(file)
    found = [each for diagnostics in run.read.values() for each in diagnostics.collected]
    errors = tuple(each for each in found if each.severity is Severity.ERROR)
    if errors:
        raise ManifestInvalid(
            errors, "nothing was written", hint="Mend what is listed, or leave those files out."
        )
    return Rollover(files=tuple(run.files.values()), warnings=tuple(run.warnings), notes=tuple(run.notes))


_NO_BASE: Final = _Base(None, (), frozenset())


class _Run:
    """Makes file after file; `read` are the diagnostics of the files that were read, by name."""

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
        self.read: dict[str, FileDiagnostics] = {}

    def manifest(self, file: ManifestPath) -> None:
        """Make the new file of one manifest."""
        written = self._read(file)
        if written is None or not self._is_of_term(written):
            return
        if not written.root.mapping("exams"):
            self._note(f"nothing is made from {file.name}", "It declares no exam of the term.")
            return
        bases = self._bases_of(written)
        self._make(written, self._exams_of(written, bases), bases, self._new_name(file.name))

    def _read(self, file: ManifestPath) -> _Written | None:
        """Return the file, or report that it is unusable and return None."""
        data = paths.read_bounded(file.path)
        diagnostics, document = read(file.name, data)
        self.read[file.name] = diagnostics
        target = self._root / file.name  # another file if the name holds characters that are not shown
        if target.is_symlink() or not target.exists() or not paths.is_inside(target, self._root):
            diagnostics.add(
                "outside-workspace",
                _START,
                "this file is a link, is outside the workspace, or has an unusual name",
                "Name a file below the workspace's directory, and no link to it.",
            )
            return None
        return None if document is None else _Written(file, data, diagnostics, document)

    def _is_of_term(self, written: _Written) -> bool:
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

    def _bases_of(self, written: _Written) -> list[_Base]:
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

    def _new_base(self, written: _Written) -> _Base:
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
            self._make(written, exams, bases, copy, is_base=True)
        return _Base(copy, roots, courses | set(map(self._shift.renamed, written.root.mapping("courses"))))

    def _note(self, message: str, hint: str) -> None:
        self.notes.append(RolloverNote(message=message, hint=hint))

    def _exams_of(self, written: _Written, bases: Sequence[_Base]) -> ExamEdits:
        """Return the edits of the exams of `written`; report what cannot be edited."""
        context = context_of((*_roots_of(bases), written.root), self._environment, written.diagnostics)
        exams = ExamEdits(TextEdits(written.source.text, written.document), self._shift, context)
        with _reported(written):
            exams.edit(written.root)
        return exams

    def _make(
        self, written: _Written, exams: ExamEdits, bases: Sequence[_Base], name: str, *, is_base: bool = False
    ) -> None:
        """Make the new file `name`, or report why that is impossible."""
        if not self._may_make(written, name):
            return
        with _reported(written):
            needed = set(exams.aliases) | set(
                map(self._shift.renamed, self._courses.get(written.file.name, ()))
            )
            self._edit_names(written.root, exams.edits)
            self._edit_extends(written, bases, exams.edits, self._root / name)
            _remove_blocks(written, exams.edits)
            self._edit_courses(
                written,
                exams.edits,
                set() if is_base else needed.difference(*(base.courses for base in bases)),
            )
            if has_errors(written.diagnostics.collected):
                return
            made = _NewFile(written, name, exams)
            self.files[name] = made.rolled()
            self.warnings += made.warnings()

    def _may_make(self, written: _Written, name: str) -> bool:
        """Return whether the file `name` can be made; report why not, unless that is done."""
        target, other = self._root / name, self.files.get(name)
        if has_errors(written.diagnostics.collected):
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
            "exists", _START, message, "Nothing is written over it: move it away, or leave this file out."
        )
        return False

    def _edit_names(self, root: YamlMapping, edits: TextEdits) -> None:
        """Change `term`, or else the addresses that begin with the old term."""
        if "term" in root:
            edits.replace(root.value_at("term"), self._shift.new.name)
            return
        places = [(at, key) for key, (at, _) in root.mapping("exams").ranges().items()]
        for item in root.sequence(_KEPT_BLOCK):
            if isinstance(item, YamlMapping):
                places += [(item.value_at(key), str(item[key])) for key in ("exam", "from") if key in item]
        for at, address in places:
            edits.replace(at, self._shift.address(address))

    def _edit_extends(
        self, written: _Written, bases: Sequence[_Base], edits: TextEdits, target: Path
    ) -> None:
        """Let the file at `target` extend the copies of `bases`, or find these from its own folder."""
        names, folder = written.root.sequence("extends"), Path(written.file.path).parent
        for index, (name, base) in enumerate(zip(names, bases, strict=True)):
            file = folder / str(name) if base.copy is None else self._root / base.copy
            path = os.path.relpath(file, target.parent)
            if path != os.path.normpath(str(name)):
                edits.replace(names.item_at(index), path)

    def _edit_courses(self, written: _Written, edits: TextEdits, needed: Collection[str]) -> None:
        """Rename the courses of the file, mark their SIDs, and add those of `needed` that it lacks."""
        root, courses = written.root, written.root.mapping("courses")
        names = set[str]()
        for course, (at, value_at) in courses.ranges().items():
            name = self._shift.renamed(course)
            if name in names:
                written.diagnostics.add(
                    "duplicate-key",
                    at,
                    f"another course of this file becomes {written.diagnostics.echo(name)} too",
                    "Keep one of the two names.",
                )
            names.add(name)
            edits.replace(at, name)
            edits.replace(value_at, FILL_IN)
        lacking: Mapping[str, Meant] = dict.fromkeys(sorted(set(needed) - names), FILL_IN)
        if not lacking:
            return
        if "courses" not in root:
            edits.add(root, {"courses": lacking}, after="term" if "term" in root else "version")
        elif courses:
            edits.add(courses, lacking, after=list(courses)[-1])
        else:
            edits.put(root.value_at("courses"), lacking, root.key_at("courses"))


class _NewFile:
    """The new text of one file, parsed. Raises CannotEdit if it is not what was meant."""

    def __init__(self, written: _Written, name: str, exams: ExamEdits) -> None:
        self._written = written
        self._exams = exams
        self._text = exams.edits.edited()
        self._diagnostics, document = read(name, self._text.encode())
        if document is None:
            raise CannotEdit(_START)
        exams.edits.check(document.root)
        self._courses = document.root.mapping("courses")
        self._moved = Moved(exams.edits.all())

    def rolled(self) -> RolledFile:
        """Return the file."""
        source, starts_with_bom = self._diagnostics.source, self._written.data.startswith(_BOM)
        return RolledFile(
            source=self._written.file.name,
            name=source.file,
            content=(_BOM if starts_with_bom else b"") + self._text.encode(),
            diff=tuple(unified_diff(self._written.source, source, self._exams.edits.all())),
            shifts=tuple(
                ShiftedField(
                    at=self._position(at),
                    field=date.where,
                    before=date.before,
                    after=date.shifted.text,
                    week=date.shifted.week,
                )
                for at, date in sorted(self._exams.dates.items())
            ),
            gaps=tuple(sorted(self._gaps(), key=lambda gap: gap.at)),
        )

    def _gaps(self) -> Iterator[Gap]:
        for at, field in self._exams.gaps.items():
            yield Gap(at=self._position(at), field=field)
        for course, (_, at) in self._courses.ranges().items():
            if self._courses[course] == FILL_IN:
                yield Gap(at=self._diagnostics.source.position(at.start), field=f"courses {course}")

    def warnings(self) -> list[Diagnostic]:
        """Return warnings about dates that need a look, and about texts that may name the old term."""
        new = self._exams.shift.new
        for at, date in self._exams.dates.items():
            problem = date.shifted.problem
            if problem is not None:
                self._warn(problem.code, at, f"{date.where}: {problem.message}", problem.hint)
            if date.shifted.day > new.ends or monday_of(date.shifted.day) in new.skipped:
                where = "after the end of" if date.shifted.day > new.ends else "in a week that is skipped by"
                message = f"{date.where}: {date.shifted.day} is {where} the term {new.name}"
                self._warn("outside-term", at, message, "Write another day, if it is not meant.")
        for at, message in self._exams.wordings.items():
            self._warn("names-old-term", at, message, "Change it, if it is meant for one term only.")
        return self._diagnostics.collected

    def _warn(self, code: str, at: TextRange, message: str, hint: str) -> None:
        at = TextRange(self._moved.to(at.start), self._moved.to(at.end))
        self._diagnostics.add(code, at, message, hint, severity=Severity.WARNING)

    def _position(self, at: TextRange) -> Position:
        return self._diagnostics.source.position(self._moved.to(at.start))


@contextmanager
def _reported(written: _Written) -> Iterator[None]:
    """Report what an edit cannot do, and go on."""
    try:
        yield
    except CannotEdit as error:
        written.diagnostics.add(
            "cannot-edit",
            error.at,
            "this cannot be changed without changing something else",
            "It shares a value by an anchor (`&name`), or is written in an unusual way: write it out.",
        )
    except OverflowError:
        written.diagnostics.add(
            "bad-date-time", _START, "a date of this file would be beyond the year 9999", "Shift it by hand."
        )


def _remove_blocks(written: _Written, edits: TextEdits) -> None:
    """Remove the blocks that are about exams which exist."""
    root, source = written.root, written.source
    names = [name for name in BLOCKS if name in root and name != _KEPT_BLOCK]
    if edits.is_in_flow(root.value_at("version").end):
        ranges = ranges_in_flow_style(source.text, root, names)
    else:
        ranges = ranges_in_block_style(source, root, names)
    edits.remove((root.key_at(name).start for name in names), ranges)


def _roots_of(bases: Iterable[_Base]) -> Iterator[YamlMapping]:
    for base in bases:
        yield from base.roots

"""The new text of one file, checked, with what a person should know of it."""

import codecs
from collections.abc import Iterator

from reconciler.drafting.exam_edits import ExamEdits
from reconciler.drafting.text_diff import unified_diff
from reconciler.drafting.text_edits import CannotEdit, Moved
from reconciler.drafting.written_file import START, WrittenFile
from reconciler.manifest.exam.unfilled import FILL_IN
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.rollover import Gap, RolledFile, ShiftedField
from reconciler.model.terms import monday_of


class NewText:
    """The new text of one file, parsed. Raises CannotEdit if it is not what was meant."""

    def __init__(self, written: WrittenFile, name: str, exams: ExamEdits) -> None:
        self._written = written
        self._exams = exams
        self._text = exams.edits.edited()
        self._diagnostics, document = read(name, self._text.encode())
        if document is None:
            raise CannotEdit(START)
        exams.edits.check(document.root)
        self._courses = document.root.mapping("courses")
        self._edits = exams.edits.all()
        self._moved = Moved(self._edits)

    def rolled(self) -> RolledFile:
        """Return the file."""
        source = self._diagnostics.source
        mark = codecs.BOM_UTF8 if self._written.data.startswith(codecs.BOM_UTF8) else b""
        return RolledFile(
            source=self._written.file.name,
            name=source.file,
            content=mark + self._text.encode(),
            diff=tuple(unified_diff(self._written.source, source, self._edits)),
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

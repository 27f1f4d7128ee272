"""Generated exams: as many as are asked for, in files of as many as are asked for, that give no finding."""

import argparse
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

COURSE_SIZE: Final = 10
"""Exams of one course; their windows are on days of their own."""

_YEAR: Final = datetime.now(UTC).year + 2
_FIRST_DAY: Final = datetime(_YEAR, 3, 1, tzinfo=UTC)

_HEAD: Final = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses:
"""
_EXAM: Final = """\
  c{course}/exam-{number}:
    course: c{course}
    title: Exam {number} of course {course}
    type: Online
    useProctorManager: true
    requireApproval: false
    url: https://lms.example.edu/quizzes/{number}
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    description: Covers chapters {chapter} to {chapter}0
    isLimitedScope: false
    status: active
    configuration:
      examOpenDate: {day}T09:00
      examCloseDate: {day}T17:00
      scheduleOpenDate: {booking}T09:00
      scheduleCloseDate: {eve}T17:00
      duration: {duration}
      attempts: 1
      password: {{fromEnv: {secret}}}
      requiredSoftware: none
      studentNotes: Bring a photo ID and arrive early
      proctorNotes: Check the ID
      proctorTypes: [live, automated]
      apiExamId: api-{number}
      permittedOtherItems: a pencil
"""
_ITEMS: Final = (
    "BathroomBreak",
    "BlankPaper",
    "Calculator",
    "Dictionary",
    "Earplugs",
    "FormulaSheet",
    "Notes",
    "Textbook",
    "Websites",
)


def exam_text(number: int, *, is_flawed: bool, secret: str | None = None) -> str:
    """The declaration of the exam `number`, some forty-five lines; a flawed one has one error.

    Its password is in the variable `secret`, by default in one of its own.
    """
    day = (_FIRST_DAY + timedelta(days=2 * (number % COURSE_SIZE))).date()
    text = _EXAM.format(
        course=number // COURSE_SIZE,
        number=number,
        chapter=number % 7 + 1,
        day=day,
        eve=day - timedelta(days=1),
        booking=day - timedelta(days=40),
        secret=secret or f"EXAM_SECRET_{number}",
        duration="long" if is_flawed else 60 + number % 60,
    )
    items = (
        f"      permitted{item}: true\n      permitted{item}Information: as announced in class {number}\n"
        for item in _ITEMS
    )
    return text + "".join(items)


def write(
    root: Path, count: int, *, per_file: int, is_flawed: bool = False, secret: str | None = None
) -> None:
    """`count` exams stand in `root`, in the place of what was there, `per_file` in a file.

    Those that are to be created need `secret`, a variable that commands have.
    """
    shutil.rmtree(root, ignore_errors=True)
    for start in range(0, count, per_file):
        numbers = range(start, min(count, start + per_file))
        courses = sorted({number // COURSE_SIZE for number in numbers})
        # At most a thousand files a folder, as in a repository that people keep.
        folder = root / "exams" / f"{start // per_file // 1000:03}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"f{start:06}.yaml").open("w", encoding="utf-8") as file:
            file.write(_HEAD + "".join(f"  c{course}: CU{course:032x}\n" for course in courses) + "exams:\n")
            file.writelines(exam_text(number, is_flawed=is_flawed, secret=secret) for number in numbers)


def write_table(root: Path, count: int) -> None:
    """A table of as many exams stands in `root`, as a registrar has it."""
    rows = (
        f"C {number // COURSE_SIZE},Exam {number},https://lms.example.edu/quizzes/{number},"
        f"{day} 9:00 AM,{day} 5:00 PM,{60 + number % 60} min,code-{number}\n"
        for number in range(count)
        for day in [f"{_FIRST_DAY + timedelta(days=2 * (number % COURSE_SIZE)):%m/%d/%Y}"]
    )
    with (root / "table.csv").open("w", encoding="utf-8") as file:
        file.write("Course,Exam Name,URL,Window Start,Window End,Duration,Access Code\n")
        file.writelines(rows)


def settle(root: Path) -> None:
    """The state of `root` holds all that is declared there, as an apply would have left it."""
    from reconciler import host  # noqa: PLC0415 - whoever measures is to stay small
    from reconciler.model.identities import ExamSid  # noqa: PLC0415 - as above
    from reconciler.model.state import Entry  # noqa: PLC0415 - as above
    from reconciler.state.state_format import empty_state, encode_state  # noqa: PLC0415 - whoever measures is to stay small
    from reconciler.workspace import Workspace  # noqa: PLC0415 - as above

    declared = Workspace.open(root=root).validate().declared.exams
    exams = {
        exam.address: Entry(
            sid=ExamSid(f"EX{number:032x}"),
            install_sid=exam.install_sid,
            course_sid=exam.course_sid,
            digest=exam.digest,
            payload=exam.payload,
            created_at=_FIRST_DAY - timedelta(days=800),
        )
        for number, exam in enumerate(declared)
    }
    state = replace(empty_state(host.new_lineage()), exams=exams, serial=1)
    (root / "exams.state.json").write_bytes(encode_state(state))


def main() -> int:
    """Write exams, and a state that holds them, for whoever wants to look."""
    parser = argparse.ArgumentParser(description="Generate exams that give no finding.")
    parser.add_argument("root", type=Path, help="a directory, whose content goes")
    parser.add_argument("--exams", type=int, default=10_000, metavar="N")
    parser.add_argument("--per-file", type=int, default=30, metavar="N")
    parser.add_argument("--flawed", action="store_true", help="with one error in each exam")
    parser.add_argument("--settle", action="store_true", help="only write the state of exams that are there")
    parsed = parser.parse_args()
    if not parsed.settle:
        write(parsed.root, parsed.exams, per_file=parsed.per_file, is_flawed=parsed.flawed)
    if not parsed.flawed:
        settle(parsed.root)
        write_table(parsed.root, parsed.exams)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The comparison of a table with declarations as text: what differs, and the numbers of all."""

import json
from typing import Final

from reconciler.model.comparison import Agreement, ComparedExam, Comparison
from reconciler.model.payloads import Json
from reconciler.outputs.escapes import visible
from reconciler.outputs.exam_facts import PASSWORD_PATH, moment_text
from reconciler.outputs.text.console import Console, count_of, put, put_wrapped

_WORDS: Final = {
    Agreement.ONLY_IN_TABLE: "is not declared",
    Agreement.ONLY_DECLARED: "is not in the table",
    Agreement.DIFFERENT: "differs",
}


def print_comparison(compared: Comparison, console: Console) -> None:
    """Print each exam that differs, and the numbers of all exams."""
    for exam in compared.exams:
        if exam.agreement is not Agreement.SAME:
            _print_exam(exam, console)
    counts = [
        (compared.count(Agreement.SAME), "the same"),
        (compared.count(Agreement.DIFFERENT), "different"),
        (compared.count(Agreement.ONLY_IN_TABLE), "only in the table"),
        (compared.count(Agreement.ONLY_DECLARED), "only declared"),
    ]
    told = ", ".join(f"{number:,} {what}" for number, what in counts if number)
    put(console, (f"{count_of(len(compared.exams), 'exam')}: {told or 'nothing to compare'}.", "bold"))


def _print_exam(exam: ComparedExam, console: Console) -> None:
    place = exam.declared_at if exam.in_table is None else exam.in_table
    name = f"{exam.title} ({exam.drafted_as})" if exam.address is None else exam.address
    how = f" (matched by {exam.matched_by}; declared at {exam.declared_at})" if exam.differences else ""
    put(console, (f"{place}: ", "bold"), f"{name} ", (_WORDS[exam.agreement], "yellow"), (how, "dim"))
    for each in exam.differences:
        table, declared = (_shown(each.field, value, exam.timezone) for value in (each.table, each.declared))
        put_wrapped(console, f"{each.field}: {table} in the table, {declared} declared", indent=4, hanging=6)


def _shown(field: str, value: Json, timezone: str | None) -> str:
    """Return a value in words: a date-time in local time, a password as whether there is one."""
    if field == PASSWORD_PATH:
        return "an access code" if value else "no access code"
    moment = moment_text(value, timezone)
    if moment is not None:
        return moment
    return "nothing" if value is None else visible(json.dumps(value, ensure_ascii=False))

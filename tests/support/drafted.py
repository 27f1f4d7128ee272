"""Tables of exams for tests, what is drafted from them, and drafts with their gaps filled."""

import hashlib
import re
from itertools import count

from reconciler.drafting.cells import Findings
from reconciler.drafting.columns import NO_COLUMNS
from reconciler.drafting.drafts import draft
from reconciler.drafting.table_file import read_table
from reconciler.model.diagnostics import has_errors

COURSE = re.compile(r"^(#?) +(\S+): CU….*$", re.MULTILINE)
GAP = re.compile(r"^    # ([\w.]+): …  # TO FILL IN.*\n", re.MULTILINE)


def drafted(data, name="table.csv", *, columns=NO_COLUMNS, order=None):
    """The text that is drafted from the bytes of a table, None if it has an error; and all findings."""
    findings = Findings()
    table = read_table(data, name, findings, columns=columns, order=order)
    made = None if has_errors(findings.collected) else draft(table, findings)
    return None if made is None else made.text, findings.collected


def told(findings, code):
    """Place and message of each finding with this code."""
    return [(str(each.span.start), each.message) for each in findings if each.code == code]


def filled(text):
    """A draft once a person has filled all its gaps."""
    numbers = count(1)

    def fill(gap):
        values = {
            "title": f"title: Exam {next(numbers)}",
            "url": f"url: https://lms.example.edu/{next(numbers)}",
            "type": "type: Online",
            "course": f"courseSid: CU{'c' * 32}",
        }
        return f"    {values[gap[1]]}\n" if gap[1] in values else ""

    text = GAP.sub(fill, text)
    text = re.sub(
        "^# (installSid: AI)….*$", r"\g<1>1234567890abcdef1234567890abcdef", text, flags=re.MULTILINE
    )
    text = re.sub("^# (timezone: .*?)  #.*$", r"\1", text, flags=re.MULTILINE)
    text = re.sub("^# courses:.*$", "courses:", text, flags=re.MULTILINE)
    return COURSE.sub(lambda found: f"  {found[2]}: CU{hashlib.md5(found[2].encode()).hexdigest()}", text)  # noqa: S324 - no secret

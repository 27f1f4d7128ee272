"""What is left to people after an apply: assigning students to the exams of limited scope."""

from collections.abc import Iterator

from msgspec import Struct

from reconciler.model.identities import ExamSid
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.report import Outcome, Report
from reconciler.outputs.exam_facts import payload_of
from reconciler.outputs.ordering import by_time

ADVICE = "Only students who are assigned to these exams can take them. Assign them in SmarterProctoring:"


class Assignment(Struct, frozen=True):
    """An exam of limited scope that exists now as `sid`; `change` is its line of the plan."""

    change: Change
    sid: ExamSid


def assignments_of(report: Report, plan: Plan) -> Iterator[Assignment]:
    """Yield the exams of limited scope that an apply created or adopted, by course and time."""
    sids = {exam.address: exam.sid for exam in report.having(Outcome.CREATED)}
    sids |= {change.address: change.sid for change in plan.having(Action.IMPORT)}
    for change in by_time(change for change in plan.changes if change.address in sids):
        sid = sids[change.address]
        if sid is not None and payload_of(change).get("isLimitedScope") is True:
            yield Assignment(change, sid)

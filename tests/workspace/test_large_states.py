"""What a plan keeps in memory of a large state."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from reconciler.model.identities import Address, ExamSid
from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action
from reconciler.model.state import Entry
from reconciler.state.state_format import empty_state, encode_state
from reconciler.workspace import Workspace

NOW = datetime(2031, 9, 1, tzinfo=UTC)
MANIFEST = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
courses: {c: CU1234567890abcdef1234567890abcdef}
defaults: {course: c, type: Written, url: N/A, useProctorManager: true, requireApproval: false}
exams:
""" + "".join(
    f"""\
  c/e{number}:
    title: Exam {number}
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration: {{}}
"""
    for number in range(4)
)


@pytest.fixture
def workspace(tmp_path):
    """Four exams: two are in state, one with another title, and one is not there; a fifth is an orphan."""
    (tmp_path / "exams.yaml").write_text(MANIFEST)
    workspace = Workspace.open(root=tmp_path)
    exams = {
        exam.address: Entry(
            sid=ExamSid(f"EX{number:032x}"),
            install_sid=exam.install_sid,
            course_sid=exam.course_sid,
            digest=exam.digest,
            payload=exam.payload,
            created_at=NOW,
        )
        for number, exam in enumerate(workspace.validate(now=NOW).declared.exams)
    }
    exams[Address("c/gone")] = exams.pop(Address("c/e3"))
    former = {**exams[Address("c/e1")].payload, "title": "Former"}
    exams[Address("c/e1")] = replace(exams[Address("c/e1")], payload=former, digest=digest_of(former))
    state = replace(empty_state("0b0e8f9e-55f6-4b52-8f0c-3a3f1f1b8c11"), exams=exams)
    (tmp_path / "exams.state.json").write_bytes(encode_state(state))
    return workspace


def test_what_is_as_it_was_is_in_memory_once(workspace):
    """Of an exam with nothing to do, state and declaration share the payload."""
    unchanged = workspace.plan(now=NOW).plan.having(Action.NOOP)
    assert len(unchanged) == 2
    assert all(change.before is change.after for change in unchanged)

"""Exams whose values were let go give the same findings as those whose values are held."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import loading
from reconciler.manifest.loading import Reading, declare, gather
from reconciler.manifest.rereading import Recipe, may_be_reread
from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_nodes import Mapping
from reconciler.manifest.yaml_parcels import parse_quietly
from reconciler.model.environment import Environment

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
courses: {c: CU1234567890abcdef1234567890abcdef}
defaults:
  {type: Online, useProctorManager: true, requireApproval: false, enableAppointmentSuggestions: true,
   examDeliverySystemModule: canvas, configuration: {duration: 6000, examOpenDate: 2031-10-10T09:00Z}}
exams:
"""
EXAMS = [
    "  e{n}: {{course: c, title: ' A', url: nowhere, configuration: {{examCloseDate: 2031-10-10T10:00Z}}}}\n",
    (
        "  e{n}:\n    course: c\n    title: A\n    url: https://lms.example.edu\n    configuration:\n"
        "      examCloseDate: 2031-10-10T10:00Z # as agreed\n\n\n"
    ),
    (
        "  'e{n}':\n    course: c\n    title: |-\n      B  b\n    url: https://lms.example.edu\n"
        "    configuration:\n"
        "      permittedNotesInformation: yes\n"
    ),
    (
        "  # reconciler: ignore[no-password] on paper\n  e{n}: {{course: c, title: C, url: N/A,\n"
        "    type: Written, configuration: {{password: {{fromEnv: EXAM_SECRET_A}}}}}}\n"
    ),
    "  ? e{n}\n  : {{course: c, title: D, url: https://x.example, configuration: {{attempts: 0}}}}\n",
    "  e{n}: &a{n} {{course: c, title: E, url: https://x.example, configuration: {{}}}}\n",
]


@given(exams=st.lists(st.sampled_from(EXAMS), min_size=1, max_size=6), is_flow=st.booleans())
def test_findings_are_the_same(tmp_path_factory, exams, is_flow):
    """Rules put their findings at the same places, whether values are held or read again."""
    root = tmp_path_factory.mktemp("root")
    text = HEAD + "".join(exam.format(n=at) for at, exam in enumerate(exams))
    if is_flow:
        text = HEAD.removesuffix("\n") + " {" + EXAMS[0].format(n=1).strip() + "}\n"
    (root / "exams.yaml").write_text(text)
    assert_same(root)


@pytest.mark.parametrize("example", ["two-environments", "rules-plugin"])
def test_examples_are_the_same(tmp_path, example):
    """So it is with bases and profiles."""
    shutil.copytree(EXAMPLES / example, tmp_path / "root")
    assert_same(tmp_path / "root")


def assert_same(root: Path) -> None:
    """What manifests at `root` give does not depend on what is held."""
    gathered = gather([], root)
    reading = Reading(environment=Environment())
    held = declare(gathered, reading)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "MOST_HELD", 0)
        assert declare(gathered, reading) == held
    assert held.diagnostics


def test_values_are_let_go():
    """An exam that has its lines to itself is read again as it was; one within braces is held."""
    text = HEAD + EXAMS[1].format(n=1) + EXAMS[2].format(n=2)
    document = parse_quietly(text.encode())
    assert document is not None
    exams = document.document.root["exams"]
    assert isinstance(exams, Mapping)
    source = SourceText("f", text)
    for key, (at, own) in exams.stretches().items():
        exam = exams[key]
        assert isinstance(exam, Mapping)
        assert may_be_reread(source, at, own)
        again = Recipe(source, at, own, None).made()
        assert (again, again.marks) == (exam, exam.marks)
    configuration = document.document.root["defaults"]["configuration"]
    at, own = configuration.stretches()["duration"]
    assert not may_be_reread(source, at, own)

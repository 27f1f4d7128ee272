"""Workspaces whose manifests are rolled over from the fall of 2031 to the spring of 2032."""

from pathlib import Path

from reconciler.model.rollover import Rollover
from reconciler.workspace import Workspace

TERMS = """\
  2031fa: {starts: 2031-08-25, ends: 2031-12-12, skip: [{from: 2031-11-24, to: 2031-11-30}]}
  2032sp: {starts: 2032-01-12, ends: 2032-05-07, skip: [{from: 2032-03-08, to: 2032-03-14}]}
"""
DEFAULTS = """\
defaults:
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
"""
AI = "AI1234567890abcdef1234567890abcdef"
CU = "CU1234567890abcdef1234567890abcdef"
HEAD = f"version: 1\nterm: 2031fa\ninstallSid: {AI}\ntimezone: America/New_York\n"
COURSES = f"courses: {{cs101: {CU}}}\n"
EXAM = (
    "cs101/final: {course: cs101, title: Final, url: https://lms.example.edu/1, configuration: {duration: 9}}"
)
OLD = "exams/2031fa/cs101.yaml"
NEW = "exams/2032sp/cs101.yaml"


def workspace(root: Path, text: str | None = None, *, more: str = "", file: str = OLD) -> Workspace:
    """Write a workspace file, and the manifest `text` unless it is None; open the workspace for that file."""
    (root / "reconciler.yaml").write_text(f"version: 1\nterms:\n{TERMS}{more}", encoding="utf-8")
    if text is not None:
        put(root, file, text)
    return Workspace.open(root=root, paths=[file])


def put(root: Path, file: str, text: str) -> None:
    """Write `text` as it is, line ends included, to `file` below `root`."""
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(text.encode("utf-8"))


def rolled(root: Path, text: str, *, more: str = "", file: str = OLD) -> Rollover:
    """What `text` becomes."""
    return workspace(root, text, more=more, file=file).rollover("2031fa", "2032sp")


def new_text(root: Path, text: str, *, more: str = "") -> str:
    """The one new file that `text` becomes."""
    (made,) = rolled(root, text, more=more).files
    return made.content.decode("utf-8")

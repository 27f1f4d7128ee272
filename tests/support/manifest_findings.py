"""What the loader finds in manifests that a test writes, and defaults for the exams of these."""

from collections.abc import Mapping
from pathlib import Path

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic

DEFAULTS = """\
defaults:
  course: cs101
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
"""


def findings(root: Path, files: str | Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """Return what is found in `files`; a text is that of the only one."""
    for name, text in ({"exams.yaml": files} if isinstance(files, str) else files).items():
        (root / name).write_text(text, encoding="utf-8")
    return load(["."], root=root, environment=Environment()).diagnostics

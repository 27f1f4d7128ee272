"""Names that a plug-in imports to add rules; see docs/rules/plugins.md.

An entry point of the group `reconciler.rules` names a `Rule`, or a list or tuple of them. The names of this
module stay the same until the next major version; all other modules may change in any version.
May import: `model`.
"""

from reconciler.model.diagnostics import Severity
from reconciler.model.payloads import Json, Payload
from reconciler.model.rules import Basis, Check, Context, Exam, Finding, Path, Rule

__all__ = ["Basis", "Check", "Context", "Exam", "Finding", "Json", "Path", "Payload", "Rule", "Severity"]

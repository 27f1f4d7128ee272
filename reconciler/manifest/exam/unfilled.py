"""Finds what `rollover` left to be filled in: it writes TODO in place of what must differ in another term."""

from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

FILL_IN: Final = "TODO"
UNFILLED_VARIABLE: Final = f"{SECRET_VARIABLE_PREFIX}{FILL_IN}"
"""In place of the name of a secret's variable."""


def report_unfilled(exam: YamlMapping, diagnostics: FileDiagnostics) -> bool:
    """Report the URL and the API id of `exam` if they are to be filled in; return whether they are not.

    The service would take this text as it is. In other fields that `rollover` marks, it is a mistake anyway.
    """
    is_right = True
    for holder, field in ((exam, "url"), (exam.mapping("configuration"), "apiExamId")):
        if holder.get(field) == FILL_IN:
            is_right = False
            diagnostics.add(
                "to-fill-in",
                holder.value_at(field),
                f"{field} is to be filled in",
                "Write that of this exam, which is another one than last term's.",
            )
    return is_right

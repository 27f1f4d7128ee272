"""The rules that a workspace may weigh differently, and what they ask of an exam."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from reconciler.manifest.findings import Findings
from reconciler.manifest.passwords import FIELD, INLINE
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.identities import Address
from reconciler.model.payloads import Payload

WINDOW_ORDER: Final = "window-order"
NO_PASSWORD: Final = "no-password"  # noqa: S105 - a code, not a password
RULES: Final = (INLINE, NO_PASSWORD, WINDOW_ORDER)

_WINDOWS: Final = (("examOpenDate", "examCloseDate"), ("scheduleOpenDate", "scheduleCloseDate"))


def report_rules(exam: Marked, payload: Payload, at: Stretch, address: Address, findings: Findings) -> None:
    """Note where `exam`, whose `payload` is right by the schema, breaks a rule."""
    configuration = exam.get("configuration")
    sent = payload.get("configuration")
    if not isinstance(configuration, Marked) or not isinstance(sent, Mapping):
        return
    for opens, closes in _WINDOWS:
        if opens in sent and closes in sent and str(sent[closes]) <= str(sent[opens]):
            findings.add(
                WINDOW_ORDER,
                configuration.value_at(closes),
                f"{closes} is not after {opens}",
                f"In UTC the window opens at {sent[opens]} and closes at {sent[closes]}; swap or mend them.",
                address=address,
            )
    if payload.get("type") == "Online" and FIELD not in sent:
        findings.add(
            NO_PASSWORD,
            at,
            "an Online exam needs a password, and this one has none",
            "Add `password: {fromEnv: EXAM_SECRET_…}` to its configuration.",
            severity=Severity.WARNING,
            address=address,
        )


def weighed(found: Iterable[Diagnostic], rules: Mapping[str, Severity | None]) -> list[Diagnostic]:
    """`found` as `rules` weighs it: None drops a finding. Errors that are no rule keep their weight."""
    kept: list[Diagnostic] = []
    for diagnostic in found:
        is_free = diagnostic.code in RULES or diagnostic.severity is Severity.WARNING
        severity = rules.get(diagnostic.code, diagnostic.severity) if is_free else diagnostic.severity
        if severity is not None:
            kept.append(
                diagnostic if severity is diagnostic.severity else replace(diagnostic, severity=severity)
            )
    return kept

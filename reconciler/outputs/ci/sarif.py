"""Diagnostics as SARIF 2.1.0, for code scanning and for editors."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from reconciler import __version__
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.payloads import Document
from reconciler.outputs.ci.help_texts import Help, help_of
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE: Final = "%SRCROOT%"
_PLACEHOLDER: Final = re.compile(r"\{([0-9]+)\}")
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def sarif_document(
    diagnostics: Sequence[Diagnostic], checkout: Checkout, *, helps: Mapping[str, Help]
) -> Document:
    """Return a SARIF log of one run with `diagnostics`, in the same order, and with all of `helps`."""
    rules = sorted({*helps, *(found.code for found in diagnostics)})
    numbers = {code: number for number, code in enumerate(rules)}
    run: Document = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": __version__,
                "rules": [_rule(code, help_of(code, helps)) for code in rules],
            }
        },
        "invocations": [{"executionSuccessful": True, "exitCode": int(has_errors(diagnostics))}],
        "originalUriBaseIds": {_BASE: {"uri": _directory_uri(checkout.repository)}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(placed, numbers[placed.diagnostic.code])
            for placed in place_diagnostics(diagnostics, checkout)
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, found: Help) -> Document:
    rule: Document = {
        "id": code,
        "shortDescription": {"text": found.sentence},
        "fullDescription": {"text": found.sentence},
        "help": {"text": found.sentence, "markdown": found.markdown or found.sentence},
    }
    return rule if found.uri is None else {**rule, "helpUri": found.uri}


def _result(placed: PlacedDiagnostic, rule_index: int) -> Document:
    location: Document = {"physicalLocation": _physical(placed)}
    first, others = placed.diagnostic.address, sorted(placed.diagnostic.others)
    if first is not None:
        location["logicalLocations"] = [
            {"fullyQualifiedName": address, "kind": "resource"} for address in (first, *others)
        ]
    return {
        "ruleId": placed.diagnostic.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[placed.diagnostic.severity],
        "message": {"text": _plain(placed.sentences)},
        "locations": [location],
        "partialFingerprints": {
            # GitHub compares alerts by this name. Without it, GitHub hashes the lines of source.
            "primaryLocationLineHash": f"{placed.fingerprint}:{placed.number}",
            "reconcilerFinding/v1": placed.identity,
        },
    }


def _physical(placed: PlacedDiagnostic) -> Document:
    start = placed.span.start
    region: Document = {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": placed.span.end_line,
        "endColumn": placed.span.end_column,
    }
    return {"artifactLocation": _artifact(placed.path), "region": region}


def _artifact(path: str) -> Document:
    if path.startswith("/"):
        return {"uri": f"file://{_quoted(path)}"}
    return {"uri": _quoted(path), "uriBaseId": _BASE}


def _directory_uri(directory: PurePosixPath) -> str:
    return f"file://{_quoted(str(directory)).rstrip('/')}/"


def _quoted(path: str) -> str:
    return quote(path, safe="/", errors="backslashreplace")


def _plain(text: str) -> str:
    """Return `text` with SARIF's links `[text](target)` and placeholders `{0}` made harmless."""
    return _PLACEHOLDER.sub(r"{{\1}}", text).replace("](", "] (")

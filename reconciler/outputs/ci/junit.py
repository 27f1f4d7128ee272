"""Diagnostics as JUnit XML: one test suite, and a test case for each diagnostic, with the file as its class.

An error is a failed case, a warning is a skipped case. A file without diagnostics has one case that passed.
The document is valid for the schemas of Jenkins' xunit plugin (junit-10.xsd) and of Maven Surefire
(surefire-test-report.xsd). The latter allows one suite only, and neither allows `testsuites` to count skips.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from reconciler.model.declarations import Loaded
from reconciler.model.diagnostics import Severity
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics
from reconciler.outputs.escapes import printable

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(loaded: Loaded, checkout: Checkout) -> str:
    """Return the XML document for the diagnostics of `loaded` and for all files that declare something."""
    cases: dict[str, list[PlacedDiagnostic]] = {
        printable(checkout.path_of(file)): [] for file in _files(loaded)
    }
    for placed in place_diagnostics(loaded.diagnostics, checkout):
        cases.setdefault(placed.shown_path, []).append(placed)
    suite = ET.Element(
        "testsuite", {"name": "reconciler validate", **_counts(list(cases.values())), "time": "0"}
    )
    for path, found in sorted(cases.items()):
        if not found:
            ET.SubElement(suite, "testcase", classname=_xml(path), name="valid", time="0")
        for placed in found:
            _add_case(suite, path, placed)
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}\n'


def _files(loaded: Loaded) -> set[str]:
    declared = loaded.declared
    blocks = (declared.exams, declared.imports, declared.moves, declared.removals, declared.absences)
    return {one.declared_at.file for block in blocks for one in block}


def _add_case(suite: ET.Element, path: str, placed: PlacedDiagnostic) -> None:
    number = f" ({placed.number})" if placed.number > 1 else ""
    # Pipelines compare runs by class and name: these hold no line number, and equal ones are numbered.
    name = f"{placed.name}: {placed.message}{number}"
    case = ET.SubElement(suite, "testcase", classname=_xml(path), name=_xml(name), time="0")
    if placed.diagnostic.severity is Severity.WARNING:
        ET.SubElement(case, "skipped", message=_xml(_whole(placed)))
    else:
        failure = ET.SubElement(
            case, "failure", type=_xml(placed.diagnostic.code), message=_xml(placed.message)
        )
        failure.text = _xml(_whole(placed))


def _whole(placed: PlacedDiagnostic) -> str:
    return f"{placed.line}\n{placed.hint}" if placed.hint else placed.line


def _counts(suites: Sequence[Sequence[PlacedDiagnostic]]) -> dict[str, str]:
    errors = sum(placed.diagnostic.severity is Severity.ERROR for suite in suites for placed in suite)
    return {
        "tests": str(sum(max(len(suite), 1) for suite in suites)),
        "failures": str(errors),
        "errors": "0",
        "skipped": str(sum(map(len, suites)) - errors),
    }


def _xml(text: str) -> str:
    """Return `text` without the characters that XML forbids."""
    return _NOT_IN_XML.sub("", text)

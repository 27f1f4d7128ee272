"""Diagnostics as JUnit XML: a test suite for each file, a test case for each diagnostic.

An error is a failed case, a warning is a skipped case. A file without diagnostics has one case that passed.
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
    suites: dict[str, list[PlacedDiagnostic]] = {
        printable(checkout.path_of(file)): [] for file in _files(loaded)
    }
    for placed in place_diagnostics(loaded.diagnostics, checkout):
        suites.setdefault(placed.shown_path, []).append(placed)
    root = ET.Element("testsuites", {"name": "reconciler validate", **_counts(list(suites.values()))})
    for path in sorted(suites):
        _add_suite(root, path, suites[path])
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _files(loaded: Loaded) -> set[str]:
    declared = loaded.declared
    blocks = (declared.exams, declared.imports, declared.moves, declared.removals, declared.absences)
    return {one.declared_at.file for block in blocks for one in block}


def _add_suite(root: ET.Element, path: str, found: Sequence[PlacedDiagnostic]) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": _xml(path), **_counts([found])})
    if not found:
        ET.SubElement(suite, "testcase", classname=_xml(path), name="valid", time="0")
    for placed in found:
        _add_case(suite, path, placed)


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
        "time": "0",
    }


def _xml(text: str) -> str:
    """Return `text` without the characters that XML forbids."""
    return _NOT_IN_XML.sub("", text)

"""The line that was mistyped is the line that is named, wherever in a file of any style it is."""

import random
from pathlib import Path

import pytest
import slip_cases as cases

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Severity

FILES = 100
LEAST = 98
FEWEST_OF_SEVERAL = 95
SIZES = (50, 50, 120, 300)
LINE_ENDS = ("\n", "\r\n")


def errors(root: Path, lines: list[str], line_end: str) -> list[Diagnostic]:
    """The errors of a manifest of `lines`, by place."""
    (root / "exams.yaml").write_bytes(f"{line_end.join(lines)}{line_end}".encode())
    found = load(["exams.yaml"], root=root, environment=Environment()).diagnostics
    return [each for each in found if each.severity is Severity.ERROR]


@pytest.mark.parametrize("kind", cases.SLIPS)
def test_the_planted_line_is_named(tmp_path: Path, kind: str) -> None:
    """In at least 98 of 100 files the first error is in the line of the slip, and none of syntax follows."""
    missed = []
    for number in range(FILES):
        rng = random.Random(f"{kind} {number}")  # noqa: S311 - repeatable
        size = 5_000 if number == 0 else rng.choice(SIZES)
        lines, line_end = cases.manifest(rng, size), rng.choice(LINE_ENDS)
        planted = cases.planted(rng, lines, cases.SLIPS[kind]) + 1
        found = errors(tmp_path, lines, line_end)
        places = [each.span.start.line for each in found if each.span is not None]
        if places[:1] != [planted] or [each.code for each in found].count("syntax") > 1:
            missed.append(f"{planted}: {lines[planted - 1]!r}, not {found[:2]}")
    assert FILES - len(missed) >= LEAST, "\n".join(missed)


def test_several_slips_are_named_in_one_run(tmp_path: Path) -> None:
    """Three slips in three places are three errors, each in its line, in at least 95 of 100 files."""
    missed = []
    for number in range(FILES):
        rng = random.Random(number)  # noqa: S311 - repeatable
        lines = cases.manifest(rng, 125)
        places = (range(100, 125), range(60, 90), range(20, 50))
        planted = [cases.planted_within(rng, lines, place) for place in places]
        found = {each.span.start.line for each in errors(tmp_path, lines, "\n") if each.span is not None}
        if found != {index + 1 for index in planted}:
            missed.append(f"{sorted(planted)} {[lines[index] for index in planted]}, not {sorted(found)}")
    assert FILES - len(missed) >= FEWEST_OF_SEVERAL, "\n".join(missed)


@pytest.mark.parametrize("number", range(40))
def test_a_valid_file_of_any_style_has_no_error(tmp_path: Path, number: int) -> None:
    """What looks like a slip within a text or a comment is none."""
    rng = random.Random(number)  # noqa: S311 - repeatable
    assert errors(tmp_path, cases.manifest(rng, rng.choice(SIZES)), rng.choice(LINE_ENDS)) == []

"""Valid manifests of many styles, and slips to plant in them, one at a time."""

import random
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

TITLES: Final = (
    "Midterm Exam",
    "CS 101 Final, Section 2",
    "Quiz 3: Chapter 5",
    "[Practice] Getting ready",
    "Don't panic",
    'Exam "A" & B',
    "Final \N{EM DASH} Spring",
)
HEAD: Final = (
    "version: 1",
    "installSid: AI1234567890abcdef1234567890abcdef",
    "timezone: America/New_York",
    "defaults:",
    "  type: Online",
    "  useProctorManager: true",
    "  enableAppointmentSuggestions: true",
    "  configuration: {attempts: 1, permittedBlankPaper: true}",
)
COURSES: Final = (
    ("courses: {cs101: CU1234567890abcdef1234567890abcdef, cs210: CU1234567890abcdef1234567890abcdee}",),
    (
        "courses:",
        "  cs101: CU1234567890abcdef1234567890abcdef # the first",
        "  cs210: CU1234567890abcdef1234567890abcdee",
    ),
)
BLOCK_TEXTS: Final = (
    ("description: >-", "  Some folded text: with colons", "  title without colon", "", "  # no comment"),
    ("description: this goes", "  on a second line"),
    ('description: "this goes', '  on: too"'),
    ("description: null",),
)
NOTES: Final = (
    "studentNotes: |",
    "  Bring a pencil.",
    "  Note: no phones",
    "  - one = two",
    "\t> a quote's end",
)
_ENTRY: Final = re.compile(r"(\s*)([\w/.-]+): (\S.*)")

Plant: TypeAlias = Callable[[random.Random, str], str | None]
"""Returns a line with a slip in it; None if the line has no place for one of this kind."""


def manifest(rng: random.Random, count: int) -> list[str]:
    """The lines of a valid manifest, at least `count`."""
    lines = [*HEAD[:3], *rng.choice(COURSES), *HEAD[3:], "exams:"]
    number = 0
    while len(lines) < count:
        number += 1
        lines += _padding(rng)
        lines.append(
            f"  {rng.choice(('cs101', 'cs210'))}/exam-{number}:{rng.choice(('', '', ' # note: this'))}"
        )
        lines += [f"    {line}" if line.strip() else line for line in _exam(rng, number)]
    return lines


def _padding(rng: random.Random) -> Iterator[str]:
    if rng.random() < 0.3:
        yield ""
    if rng.random() < 0.3:
        yield f"{' ' * rng.randrange(5)}# the next: one's"


def _exam(rng: random.Random, number: int) -> list[str]:
    parts = [
        ("course: cs101",),
        (f"title: {_quoted(rng, f'{rng.choice(TITLES)} {number}')}",),
        (f"url: https://lms.example.edu/quiz/{number}#top",),
        ("requireApproval: false",),
        (f"examDeliverySystemModule: {_quoted(rng, 'canvas')}",),
        rng.choice(BLOCK_TEXTS),
        _configuration(rng, number),
    ]
    rng.shuffle(parts)
    return [line for part in parts for line in part]


def _configuration(rng: random.Random, number: int) -> tuple[str, ...]:
    opens, closes = "2031-10-06T09:00", "2031-10-06T17:00"
    secret = f"{{ fromEnv: EXAM_SECRET_{number} }}"
    if rng.random() < 0.25:
        dates = f"examOpenDate: {opens}, examCloseDate: {closes}"
        return (f"configuration: {{{dates}, duration: 75, password: {secret}}}",)
    parts: list[tuple[str, ...]] = [
        (f"examOpenDate: {opens}",),
        (f"examCloseDate: {_quoted(rng, closes)}",),
        ("duration: 75",),
        (f"password: {secret}",),
        ("proctorTypes:", "  - Live", '  - "Record & Review"'),
    ]
    if rng.random() < 0.4:
        parts.append(NOTES[:4])
    if rng.random() < 0.3:
        parts.append(("modalityOptions: {", "  a: 1,", "  b: [2, 3] }"))
    rng.shuffle(parts)
    return ("configuration:", *(f"  {line}" for part in parts for line in part))


def _quoted(rng: random.Random, text: str) -> str:
    styles = ["double", "single"] if ": " in text or text[0] == "[" else ["double", "single", "plain"]
    match rng.choice(styles):
        case "double":
            escaped = text.replace('"', '\\"')
            return f'"{escaped}"'
        case "single":
            doubled = text.replace("'", "''")
            return f"'{doubled}'"
        case _:
            return text


def entries(lines: list[str]) -> list[int]:
    """The indexes of the lines that hold a key, and are no part of a text over several lines."""
    found, within = [], None
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if within is not None and (not line.strip() or indent > within):
            continue
        within = None
        if line.lstrip().startswith("#"):
            continue
        if line.endswith((": |", ": >-", ": {", ": this goes", ': "this goes')):
            within = indent
        if re.match(r"\s*[\w/.-]+:( |$)", line) and index > 2:
            found.append(index)
    return found


def planted(rng: random.Random, lines: list[str], plant: Plant) -> int:
    """Plant one slip in `lines`, and return the index of its line."""
    places = entries(lines)
    rng.shuffle(places)
    for index in places:
        line = plant(rng, lines[index])
        if line:
            lines[index] = line
            return index
    raise AssertionError("there is no place for this slip")


def _entry(change: Callable[[str, str, str], str], *keys: str, but: str = "") -> Plant:
    """A slip in `key: value`, made by `change`; values that begin with a character of `but` are spared."""

    def plant(_: random.Random, line: str) -> str | None:
        found = _ENTRY.fullmatch(line)
        if found is None or (keys and found[2] not in keys) or found[3][0] in but:
            return None
        return change(found[1], found[2], found[3])

    return plant


def _bare(value: str) -> str:
    return value.strip("\"'").replace("\\", "").replace('"', "").replace("''", "'")


def _sign(rng: random.Random, line: str) -> str | None:
    sign = rng.choice("@%`>|")
    return _entry(lambda lead, key, value: f"{lead}{key}: {sign}{_bare(value)}", *TEXTS)(rng, line)


TEXTS: Final = ("title", "examDeliverySystemModule")
OPEN: Final = "\"'{>|"

SLIPS: Final[dict[str, Plant]] = {
    "no colon": _entry(lambda lead, key, value: f"{lead}{key} {value}", but="{"),
    "no colon behind a key alone": lambda _, line: line[:-1] if line.endswith(":") else None,
    "no space": _entry(lambda lead, key, value: f"{lead}{key}:{value}", but=OPEN),
    "equals sign": _entry(lambda lead, key, value: f"{lead}{key} = {value}", but=OPEN),
    "no-break space behind the colon": _entry(lambda lead, key, value: f"{lead}{key}:\xa0{value}", but=OPEN),
    "full-width colon": _entry(lambda lead, key, value: f"{lead}{key}\uff1a{value}", but=OPEN),
    "no-break spaces as indentation": _entry(
        lambda lead, key, value: f"{chr(160) * len(lead)}{key}: {value}" if len(lead) > 2 else "", but=">|"
    ),
    "open double quote": _entry(lambda lead, key, value: f'{lead}{key}: "{_bare(value)}', *TEXTS, "url"),
    "open single quote": _entry(
        lambda lead, key, value: f"{lead}{key}: '{_bare(value).replace(chr(39), '')}", *TEXTS, "url"
    ),
    "one space deeper": _entry(lambda lead, key, value: f"{lead} {key}: {value}", but=">|{"),
    "one space less": _entry(lambda lead, key, value: f"{lead[1:]}{key}: {value}", but=">|"),
    "text that begins with a sign": _sign,
    "text that begins with a dash": _entry(
        lambda lead, key, value: f"{lead}{key}: - {_bare(value)}", "title"
    ),
    "text after a closing quote": _entry(lambda lead, key, _: f'{lead}{key}: "Midterm" (2)', "title"),
    "text after a bracket": _entry(lambda lead, key, _: f"{lead}{key}: [Practice] CS 101", "title"),
    "colon in a text": _entry(lambda lead, key, _: f"{lead}{key}: Exam: part 2", "title"),
    "tab": _entry(lambda lead, key, value: f"\t{key}: {value}" if len(lead) > 2 else ""),
    "open bracket": lambda _, line: line[:-1] if line.endswith("}") else None,
    "conflict marker": lambda _, line: f"<<<<<<< HEAD\n{line}",
    "fence": lambda _, line: f"```yaml\n{line}",
}
"""Kinds of slips, and how each is planted in one line. An empty line counts as no place for it."""

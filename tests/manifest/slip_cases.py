"""Valid manifests of many styles, and slips to plant in them, one at a time."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
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
    """The indexes of the lines that hold a key or an item, and are no part of a text over several lines."""
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
        if re.match(r"\s*([\w/.-]+:( |$)|- )", line) and index > 2:
            found.append(index)
    return found


def planted(rng: random.Random, lines: list[str], plant: Plant, within: range | None = None) -> int:
    """Plant one slip in `lines`, at a line of `within`, and return the index of its line."""
    places = [index for index in entries(lines) if within is None or index in within]
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


def _item(change: Callable[[str, str], str]) -> Plant:
    """A slip in the second item of a list, made by `change`."""

    def plant(_: random.Random, line: str) -> str | None:
        found = re.fullmatch(r'(\s*)- (".*")', line)
        return None if found is None else change(found[1], found[2])

    return plant


def _in_braces(written: str, slip: str) -> Plant:
    """A slip in a mapping in braces: `slip` in the place of what is `written`."""

    def plant(_: random.Random, line: str) -> str | None:
        return line.replace(written, slip, 1) if written in line and ": {" in line else None

    return plant


def _password(change: Callable[[str, str], str]) -> Plant:
    """A slip in the reference to a secret, made by `change` of the indentation and the variable."""

    def plant(_: random.Random, line: str) -> str | None:
        found = re.fullmatch(r"(\s*)password: { fromEnv: (\w+) }", line)
        return None if found is None else change(found[1], found[2])

    return plant


def _above(text: Callable[[random.Random], str]) -> Plant:
    """A line of text above the line of a key."""

    def plant(rng: random.Random, line: str) -> str | None:
        indent = line[: len(line) - len(line.lstrip())]
        return None if line.lstrip().startswith("-") else f"{indent}{text(rng)}\n{line}"

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
    "one space less": _entry(lambda lead, key, value: f"{lead[1:]}{key}: {value}" if lead else "", but=">|"),
    "text that begins with a sign": _sign,
    "text that begins with a dash": _entry(
        lambda lead, key, value: f"{lead}{key}: - {_bare(value)}", "title"
    ),
    "text after a closing quote": _entry(lambda lead, key, _: f'{lead}{key}: "Midterm" (2)', "title"),
    "text after a bracket": _entry(lambda lead, key, _: f"{lead}{key}: [Practice] CS 101", "title"),
    "colon in a text": _entry(lambda lead, key, _: f"{lead}{key}: Exam: part 2", "title"),
    "tab": _entry(lambda lead, key, value: f"\t{key}: {value}" if len(lead) > 2 else ""),
    "open bracket": lambda _, line: line[:-1] if line.endswith("}") else None,
    "another sign for the colon": lambda rng, line: _entry(
        lambda lead, key, value: f"{lead}{key}{rng.choice((',', ';', ' ->', ' =>', ' -', '.'))} {value}",
        *TEXTS,
        but="{>|",
    )(rng, line),
    "open quote in a key": _entry(lambda lead, key, value: f'{lead}"{key}: {value}', but=OPEN + "[-"),
    "closed by another quote": _entry(lambda lead, key, value: f"{lead}{key}: \"{_bare(value)}'", *TEXTS),
    "curly quotes": _entry(lambda lead, key, _: f"{lead}{key}: \u201cExam: part 2\u201d", "title"),
    "quotes within quotes": _entry(lambda lead, key, _: f'{lead}{key}: "The "A" exam"', "title"),
    "apostrophe within quotes": _entry(lambda lead, key, _: f"{lead}{key}: 'A student's exam'", "title"),
    "comma after a quote": _entry(lambda lead, key, _: f'{lead}{key}: "Midterm",', "title"),
    "backslash": _entry(lambda lead, key, _: f'{lead}{key}: "C:\\Users\\me"', "title"),
    "two fields on a line": _entry(
        lambda lead, key, _: f"{lead}{key}: Midterm, requireApproval: false", "title"
    ),
    "comment of another language": _above(lambda rng: f"{rng.choice(('//', '--'))} note"),
    "text without a key": _above(lambda _: "the next is for all"),
    "dash without space": _item(lambda lead, text: f"{lead}-{text}"),
    "no dash": _item(lambda lead, text: f"{lead}{text}"),
    "bullet": _item(lambda lead, text: f"{lead}\u2022 {text}"),
    "no comma in braces": _in_braces(", ", " "),
    "semicolon in braces": _in_braces(", ", "; "),
    "two commas in braces": _in_braces(", ", ",, "),
    "reference closed by the wrong bracket": _password(
        lambda lead, name: f"{lead}password: {{ fromEnv: {name} ]"
    ),
    "reference without braces": _password(lambda lead, name: f"{lead}password: fromEnv: {name}"),
    "rule": lambda _, line: f"----\n{line}",
    "end of the document": lambda _, line: f"...\n{line}",
    "conflict marker": lambda _, line: f"<<<<<<< HEAD\n{line}",
    "fence": lambda _, line: f"```yaml\n{line}",
}
"""Kinds of slips, and how each is planted in one line. An empty line counts as no place for it."""
WHOLE_LINES: Final = frozenset(
    {
        "comment of another language",
        "text without a key",
        "rule",
        "end of the document",
        "conflict marker",
        "fence",
    }
)
"""Kinds that put in a line of their own."""


def planted_within(rng: random.Random, lines: list[str], within: range) -> int:
    """Plant a slip of any kind at a line of `within`, and return the index of that line."""
    kinds = [kind for kind in SLIPS if kind not in WHOLE_LINES]
    for kind in rng.sample(kinds, len(kinds)):
        with suppress(AssertionError):  # no place for this kind
            return planted(rng, lines, SLIPS[kind], within)
    raise AssertionError("there is no place for any slip")

"""Play a page of the documentation: run its commands in one bash, and compare what they print with the page.

What of a page is played, and how:

- A `console` block: a line that begins with `$ ` is a command, the lines below it are what it prints. A line
  of only `…` stands for any lines, and `…` in a line for any text.
- A `sh` block: its commands are run, their output is not compared.
- A block with `title="PATH"`: a file that the reader saves.
- An id in a command or in a file that the reader saves: the one that was printed where the page showed it.
- A block below `<!-- not played: REASON -->`, and any other block: only shown.

A command must exit with 0, unless all that it prints is shown, or the next command is `echo $?`.
"""

import difflib
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path, PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token
from page_shell import Shell

NOT_PLAYED = re.compile(r"<!-- not played: \S.* -->\n?")
SHELLS = {"bash", "shell", "shell-session", "zsh", "fish", "terminal"}
TITLE = re.compile(r'title="([^"]+)"')
IDS = re.compile(
    r"(\bsha256:|\b[A-Z]{2}|\b)(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
)
CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\d{4}-\d\d-\d\d"
TIMES = re.compile(rf"{DAY}(?:[T ]{CLOCK})?(?:Z| [A-Z]{{2,5}}\b)?(?: \((?:{DAY} )?{CLOCK} UTC\))?")


class PageFailed(Exception):
    """A page shows what is not so; the message begins with the page and the line."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page: the line it is on, and the lines shown as its output, if any are compared."""

    line: int
    command: str
    shown: tuple[str, ...] = ()


def play(page: Path, folder: Path, *, name: str | None = None, timeout_s: float = 60) -> None:
    """Run all commands of `page` in `folder`, and raise PageFailed at the first that does not do as shown."""
    name = name or page.name
    planned = steps(page.read_text(encoding="utf-8"), name)
    known: dict[str, str] = {}
    with Shell(folder, timeout_s) as shell:
        for step, following in pairwise([*planned, None]):
            assert step
            try:
                command = IDS.sub(lambda found: known.get(found[0], found[0]), step.command)
                printed, status = shell.run(command, lambda text, shown=step.shown: is_as_shown(shown, text))
            except (TimeoutError, EOFError) as error:
                raise PageFailed(f"{name}:{step.line}: `{step.command}`: {error}") from error
            _check(step, following, printed, status, f"{name}:{step.line}: `{step.command}`")
            known.update(_meant(step.shown, printed))


def _check(step: Step, following: Step | None, printed: str, status: int, which: str) -> None:
    if not is_as_shown(step.shown, printed):
        lines = [_comparable("\n".join(step.shown)), _comparable(printed)]
        diff = difflib.unified_diff(
            *(text.splitlines() for text in lines), "shown", "printed", lineterm="", n=99
        )
        raise PageFailed("\n".join([f"{which} prints something else:", *diff]))
    told = (following and following.command == "echo $?") or (step.shown and "…" not in "".join(step.shown))
    if status and not told:
        raise PageFailed(f"{which} exits with {status}:\n{printed}")


def steps(text: str, name: str) -> list[Step]:
    """Return the commands of a page, those that save its files included. Raise PageFailed if it has none."""
    lines = text.splitlines()
    tokens = MarkdownIt().parse(text)
    found: list[Step] = []
    for before, token in pairwise([Token("", "", 0), *tokens]):
        if token.type == "code_block" and re.search(r"^ *(```|~~~)", token.content, re.MULTILINE):
            raise PageFailed(f"{name}:{_line(token)}: this block is indented, so it would not be played")
        if token.type != "fence" or NOT_PLAYED.fullmatch(before.content):
            continue
        if "not played" in before.content:
            raise PageFailed(f"{name}:{_line(before)}: write `<!-- not played: REASON -->`")
        first, behind = token.map or (0, 0)
        if behind - first < 2 or not lines[behind - 1].strip().startswith(token.markup):
            raise PageFailed(f"{name}:{_line(token)}: this block is not closed")
        found += _steps_of(token, name)
    if not found:
        raise PageFailed(f"{name}:1: this page has no command to play")
    return found


def _steps_of(block: Token, name: str) -> Iterator[Step]:
    language, title = block.info.partition(" ")[0], TITLE.search(block.info)
    if title:
        yield Step(_line(block), _saving(PurePosixPath(title[1]), block.content, f"{name}:{_line(block)}"))
    elif language in SHELLS:
        raise PageFailed(f"{name}:{_line(block)}: write `console` or `sh` in place of `{language}`")
    elif language in {"console", "sh"}:
        yield from _commands(block, name)


def _saving(path: PurePosixPath, content: str, where: str) -> str:
    if path.is_absolute() or ".." in path.parts:
        raise PageFailed(f"{where}: {path} is outside of the page's folder")
    folder, file = shlex.quote(str(path.parent)), shlex.quote(str(path))
    return f"mkdir -p {folder} && printf %s {shlex.quote(content)} >{file}"


def _commands(block: Token, name: str) -> Iterator[Step]:
    prompt = "$ " if block.info.startswith("console") else ""
    rest = [*enumerate(block.content.splitlines(), _line(block) + 1)]
    while rest:
        at, first = rest.pop(0)
        if not first.startswith(prompt):
            raise PageFailed(f"{name}:{at}: a console block begins with `$ ` and a command")
        command = first.removeprefix(prompt)
        while not is_complete(command):
            if not rest:
                raise PageFailed(f"{name}:{at}: bash does not take this as a whole command: {command}")
            command += f"\n{rest.pop(0)[1]}"
        shown = []
        while prompt and rest and not rest[0][1].startswith(prompt):
            shown.append(rest.pop(0)[1])
        if command.strip() and not command.startswith("#"):
            yield Step(at, command, tuple(shown))


def is_complete(command: str) -> bool:
    """Bash would run `command`, and not wait for more lines of it."""
    if command.endswith("\\"):
        return False
    checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)  # noqa: S607
    return not checked.stderr


def is_as_shown(shown: tuple[str, ...], printed: str) -> bool:
    """The lines that a page shows are what was printed, but for what differs in every run."""
    parts = [
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in _comparable("\n".join(shown)).splitlines()
    ]
    return not shown or re.fullmatch("".join(parts), _comparable(printed)) is not None


def _comparable(text: str) -> str:
    """Return `text` with one word for what differs in every run, and `created` lines in order."""
    text = TIMES.sub(_past, IDS.sub(r"\1<id>", text))
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    runs = groupby(lines, lambda line: line.startswith("created  "))
    return "".join(f"{line}\n" for created, run in runs for line in (sorted(run) if created else run))


def _meant(shown: tuple[str, ...], printed: str) -> dict[str, str]:
    """Return for each id that a page shows the one that was printed in its place."""
    return {
        one[0]: other[0]
        for line in shown
        for told in printed.splitlines()
        if line != "…" and is_as_shown((line,), told)
        for one, other in zip(IDS.finditer(line), IDS.finditer(told), strict=False)
    }


def _past(found: re.Match[str]) -> str:
    """Return one word for a time that is not in the future: exams of pages are all still to come."""
    day = re.search(r"\d{4}-\d\d-\d\d", found[0])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return "<time>" if day and day[0] <= tomorrow.strftime("%Y-%m-%d") else found[0]


def _line(token: Token) -> int:
    return (token.map or [0])[0] + 1

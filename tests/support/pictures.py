"""Make the pictures of `docs/images`, a terminal and a page of a plan, from what commands print.

Clock, user and host are fixed, and random values get stand-ins: each run makes the same text.
"""

import hashlib
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import chromium
from exam_workspace import Workspace
from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

from reconciler.sandbox.running import running

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
TERMINAL = "terminal.svg"
PAGE_DIGEST = "plan-page.sha256"
"""Holds the digest of the page that the pictures show."""

COLUMNS = 70
PAGE_SIZE = {"width": 640, "height": 1000}
APPLY = ("apply", "--auto-approve")
CREATED = "created   "
FIXED_MACHINE = """
from datetime import UTC, datetime
from reconciler import host
host.SystemClock.now = lambda self: datetime(2031, 8, 4, 14, 0, 12, tzinfo=UTC)
host._user, host._host = lambda: "jdoe", lambda: "runner-1"
"""
RANDOM = re.compile(
    r"(?<=EX)[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32,64}\b"
)
WEB_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def inputs(folder: Path) -> tuple[str, str]:
    """Return what a terminal shows, with its escape sequences, and a page of a plan."""
    workspace, text = Workspace(folder), (ROOT / "examples" / "exams.yaml").read_text(encoding="utf-8")
    workspace.write(FIXED_MACHINE, "sitecustomize.py")
    with running() as sandbox:
        workspace.variables = variables(text, sandbox.url)
        workspace.run("init")
        workspace.write(without(text, "cs101/final", "cs310/final"))
        terminal = session(workspace)
        sandbox.misbehave("drop-after:nth=1")
        workspace.write(text)
        workspace.run(*APPLY, "--target=cs101/final", expect=3)
        workspace.write(without(text, "cs101/midterm-2").replace("duration: 75", "duration: 80"))
        page = workspace.run("plan", "--format", "html")
        return stable(terminal, sandbox.url), stable(page, sandbox.url)


def variables(text: str, url: str) -> dict[str, str]:
    """Return the environment of commands: every secret of the manifest `text`, and the service `url`."""
    return dict.fromkeys(re.findall(r"EXAM_SECRET_\w+", text), "made-up") | {
        "COLUMNS": str(COLUMNS),
        "FORCE_COLOR": "1",
        "SMARTERPROCTORING_TOKEN": "made-up",
        "SMARTERPROCTORING_URL": url,
    }


def without(text: str, *addresses: str) -> str:
    """Return the manifest `text` without some of its exams."""
    for address in addresses:
        text = re.sub(rf"^  {address}:\n(?:    .*\n|\n)+", "", text, flags=re.MULTILINE)
    return text


def session(workspace: Workspace) -> str:
    """Return a plan, an apply and a plan as a terminal shows them, their middle left out."""
    plan, apply, again = (
        workspace.run(*words).splitlines() for words in (["plan"], [*APPLY, "--parallelism=1"], ["plan"])
    )
    created = [line for line in apply if CREATED in line]
    shown = [
        *("$ reconciler plan", *plan[:10], "  …", ""),
        *("$ reconciler apply --auto-approve", "…", *created[:3], "…", apply[-1], ""),
        *("$ reconciler plan", again[0]),
    ]
    return "\n".join(shown)


def stable(text: str, url: str) -> str:
    """Return `text` with a stand-in for each random value, and the usual port for that in `url`."""
    found = dict.fromkeys(RANDOM.findall(text))
    for number, value in enumerate(found):
        digits = iter(hashlib.sha256(str(number).encode()).hexdigest())
        found[value] = "".join("-" if one == "-" else next(digits) for one in value)
    return RANDOM.sub(lambda match: found[match[0]], text).replace(url, "http://127.0.0.1:8400")


def terminal_picture(terminal: str) -> str:
    """Return the SVG that shows the text of a terminal; it names no font of another server."""
    console = Console(file=io.StringIO(), width=COLUMNS, record=True, legacy_windows=False)
    console.print(Text.from_ansi(terminal), no_wrap=True, overflow="ellipsis", crop=True)
    return console.export_svg(
        title="", code_format=WEB_FONTS.sub("", CONSOLE_SVG_FORMAT), unique_id="terminal"
    )


def digest(page: str) -> str:
    """Return the line that is kept of a page."""
    return f"{hashlib.sha256(page.encode()).hexdigest()}\n"


def take_page(page: str) -> None:
    """Take a picture of the top of `page` in light and in dark."""
    with chromium.launched() as browser:
        for scheme, name in (("light", "plan-page.png"), ("dark", "plan-page-dark.png")):
            opened = browser.new_page(viewport=PAGE_SIZE, device_scale_factor=1.5, color_scheme=scheme)
            opened.set_content(page)
            opened.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        terminal, page = inputs(Path(made))
    (IMAGES / TERMINAL).write_text(terminal_picture(terminal), encoding="utf-8")
    (IMAGES / PAGE_DIGEST).write_text(digest(page), encoding="utf-8")
    take_page(page)

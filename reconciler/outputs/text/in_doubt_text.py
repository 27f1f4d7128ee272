"""In-doubt reports as text: the first few in full, and for the others the command that shows them."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.report import SheetResult
from reconciler.outputs.all_in_doubt import MOST_SINGLE, sheet_commands, support_message_about
from reconciler.outputs.escapes import ELLIPSIS, printable
from reconciler.outputs.exam_facts import Window
from reconciler.outputs.in_doubt import InDoubtReport
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.text.console import (
    INDENT,
    LABEL_WIDTH,
    Console,
    Piece,
    columns_of,
    put,
    put_fact,
    put_wrapped,
    unbroken,
    width_of,
)

_CONDITIONS: Final = ("if it is there", "if it is not")
_CONDITION_WIDTH: Final = 15


def print_in_doubt_reports(doubts: Sequence[InDoubtReport], console: Console, invocation: Invocation) -> None:
    """Print the first of `doubts` in full, and how to settle all of them."""
    for doubt in doubts[:MOST_SINGLE]:
        put(console)
        was = "" if doubt.doubted_at == doubt.address else f"was {doubt.doubted_at}"
        print_header(console, ("  ? ", "magenta"), doubt.address, doubt.title, (was, "dim"))
        print_in_doubt_report(doubt, console)
    print_all_in_doubt(doubts, console, invocation)


def print_all_in_doubt(doubts: Sequence[InDoubtReport], console: Console, invocation: Invocation) -> None:
    """Print how to settle all of `doubts`, and one message about them.

    For many these are the commands for one sheet, and the one that shows a report that is not printed.
    """
    if not doubts:
        return
    put(console)
    if (left := len(doubts) - MOST_SINGLE) > 0:
        put_wrapped(console, f"{ELLIPSIS} and {left:,} more in doubt. To show one of them:", indent=2)
        put(console, " " * INDENT, (invocation.command("state", "show", "ADDRESS"), "bold"))
        put_wrapped(console, "To settle them with one sheet, fill in its column `sid`:", indent=2)
        for command in sheet_commands(invocation):
            put(console, " " * INDENT, (command, "bold"))
    put_wrapped(console, "To ask the vendor's support, a message to copy:", indent=2)
    for line in support_message_about(doubts).split("\n"):
        put(console, f"{' ' * INDENT}{line}".rstrip())


def print_header(console: Console, symbol: Piece, address: str, *facts: Piece, hanging: int = INDENT) -> None:
    """Print the header of an exam: `symbol`, `address`, and those of `facts` that are not empty."""
    known = [piece for fact in facts if fact and fact[0] for piece in ("  ", fact)]
    put_wrapped(console, symbol, (address, "bold"), *known, hanging=hanging)


def print_in_doubt_report(doubt: InDoubtReport, console: Console) -> None:
    """Print, below a header, what is known, how to look for the exam, and how to settle the doubt."""
    put_fact("course", console, doubt.course_words)
    for label, window in doubt.windows:
        put_window(label, window, console)
    put_fact("attempt", console, doubt.intent.attempt)
    put_window("sent", doubt.sent, console, note=f"by {doubt.intent.by}" if doubt.intent.by else "")
    put_fact("answer", console, doubt.answer_words)
    if doubt.answer.request_id is not None:
        put_fact("request", console, f"{doubt.answer.request_id} (the service's name for it)")
    for number, sentence in enumerate(doubt.look):
        put_fact("" if number else "look", console, sentence)
    print_settling(doubt.commands, console)
    put(console, " " * INDENT, f"or through review, in {doubt.place}:")
    for entry in doubt.manifest:
        put(console, " " * (INDENT + 2), (entry, "bold"))


def print_sheet_result(result: SheetResult, console: Console) -> None:
    """Print what became of each exam of a sheet, those that need a person last."""
    for address in result.known:
        put(console, (address, "bold"), ("  was settled like this before", "dim"))
    for address, sid in result.found.items():
        found = "was not created; apply will create it" if sid is None else f"is {sid}"
        put(console, (address, "bold"), "  ", (found, "green"))
    for address in result.unanswered:
        put(console, (address, "bold"), "  ", ("is in doubt as before: its cell is empty", "magenta"))


def print_settling(commands: Sequence[str], console: Console) -> None:
    """Print the two commands that settle a create in doubt, each on a line to copy."""
    room = width_of(console) - INDENT - _CONDITION_WIDTH
    is_wide = any(columns_of(printable(command)) > room for command in commands)
    for condition, command in zip(_CONDITIONS, commands, strict=True):
        if is_wide:
            put(console, " " * INDENT, condition)
            put(console, " " * (INDENT + 2), (command, "bold"))
        else:
            put(console, " " * INDENT, f"{condition:{_CONDITION_WIDTH}}", (command, "bold"))


def bounds_whole(window: str) -> str:
    """Return `window`, in words, with its dash as the only place at which a line may be wrapped."""
    dash = " \N{EN DASH}"
    return f"{unbroken(dash)} ".join(map(unbroken, window.split(f"{dash} ")))


def put_window(  # noqa: PLR0913 - a window, and what stands around it
    label: str, window: Window, console: Console, *, note: str = "", mark: str = "", indent: int = INDENT
) -> None:
    """Print `window` beside `label`, followed by `note`; `mark` is behind the local time.

    Local time, UTC and note are on one line if they fit, else on a line each.
    """
    in_utc = f" ({window.utc})" if window.utc else ""
    behind = f", {note}" if note else ""
    room = width_of(console) - indent - LABEL_WIDTH
    if columns_of(printable(f"{window.local}{mark}{in_utc}{behind}")) <= room:
        put_fact(label, console, window.local, (f"{in_utc}{mark}", "dim"), behind, indent=indent)
        return
    put_fact(label, console, bounds_whole(window.local), (mark, "dim"), indent=indent)
    if in_utc:
        put_fact("", console, (bounds_whole(in_utc.strip()), "dim"), indent=indent)
    if note:
        put_fact("", console, note, indent=indent)

"""A rollover as text: the files, each date that was shifted, what is to be filled in, and a diff."""

from reconciler.model.rollover import Rollover
from reconciler.outputs.text.console import Console, count_of, put


def print_rollover(made: Rollover, console: Console) -> None:
    """Print the new files, the shifted dates and the gaps, with the place of each in the new files."""
    for file in made.files:
        put(console, (file.name, "bold"), f"  from {file.source}")
    for file in made.files:
        for shift in file.shifts:
            week = "whole weeks" if shift.week is None else f"week {shift.week}"
            put(
                console,
                f"{shift.at}: ",
                ("shifted", "green"),
                f" {shift.field}: {shift.before} → {shift.after} ({week})",
            )
    for file in made.files:
        for gap in file.gaps:
            put(console, f"{gap.at}: ", ("fill in", "yellow"), f" {gap.field}")
    shifted = sum(len(file.shifts) for file in made.files)
    gaps = sum(len(file.gaps) for file in made.files)
    counts = (len(made.files), "file"), (shifted, "shifted date"), (gaps, "place")
    files, dates, places = (count_of(number, noun) for number, noun in counts)
    put(console, (f"{files}, {dates}, {places} to fill in.", "bold"))


def rollover_diff(made: Rollover) -> str:
    """Return the difference between each file and the one that it is made from; secrets are left out."""
    return "".join(f"{line}\n" for file in made.files for line in file.diff)

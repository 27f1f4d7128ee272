"""Progress tells how an apply goes, on every kind of stream, and never fails."""

import io

import output_cases as cases
import pytest

from reconciler.model.report import Outcome
from reconciler.outputs.text import progress as progress_module
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.progress import LogProgress, QuietProgress, TerminalProgress
from reconciler.ports import Progress


def console(*, is_terminal: bool) -> Console:
    """A console that writes into a string."""
    return Console(io.StringIO(), width=100, is_terminal=is_terminal)


def run(progress: Progress) -> None:
    """One apply, with a pause."""
    progress.started(4)
    for exam in cases.report().exams:
        progress.settled(exam)
    progress.waiting(2.5, "429 [red]slow\x1b[2J")
    progress.finished()


def written(to: Console) -> str:
    """What stands on a console of ours."""
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_log_is_quiet_between_its_beginning_and_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count, pauses with hostile text escaped, and every ten seconds the counts so far."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    to = console(is_terminal=False)
    progress = LogProgress(to)
    run(progress)
    now[0] += 9
    progress.settled(cases.outcome("a", Outcome.CREATED, number=1))
    now[0] += 1
    progress.settled(cases.outcome("b", Outcome.CREATED, number=2))
    assert written(to).splitlines() == [
        "creating 4 exams",
        r"waiting 2.5 s: 429 [red]slow\x1b[2J",
        "6 of 4: 3 created, 1 failed, 1 in doubt, 1 not attempted",
    ]


def test_where_exams_go_is_told_from_the_start() -> None:
    """Environment and service stand beside the count in a log and before the bar on a terminal."""
    plan = cases.in_environment(cases.every_action(), "stag{ing}\x1b")
    for make, is_terminal in ((LogProgress, False), (TerminalProgress, True)):
        to = console(is_terminal=is_terminal)
        progress = make(to)
        progress.planned(plan)
        run(progress)
        assert r"in stag{ing}\x1b at https://api.example.edu" in written(to)


def test_bar_ends_with_its_counts() -> None:
    """The bar is full at the end, counts what happened, and shows no escape of the server's."""
    to = console(is_terminal=True)
    run(TerminalProgress(to))
    assert "4/4" in written(to)
    assert "1 created, 1 failed, 1 in doubt, 1 not attempted" in written(to).splitlines()[-1]
    assert "\x1b[2J" not in written(to).replace("\x1b[2K", "")


def test_bar_shows_a_pause_escaped() -> None:
    """While sending pauses, the reason stands beside the bar."""
    to = console(is_terminal=True)
    progress = TerminalProgress(to)
    progress.started(1)
    progress.waiting(2.5, "429 [red]slow\x1b[2J")
    progress.finished()
    assert r"waiting 2.5 s: 429 [red]slow\x1b[2J" in written(to)


@pytest.mark.parametrize("kind", [LogProgress, TerminalProgress])
def test_finishing_what_never_began_is_harmless(kind: type[LogProgress | TerminalProgress]) -> None:
    """An apply without creates may finish without a start."""
    kind(console(is_terminal=True)).finished()


def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing at all is written."""
    run(QuietProgress())
    assert capfd.readouterr() == ("", "")

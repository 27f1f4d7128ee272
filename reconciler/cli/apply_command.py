"""The command `apply`."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

from reconciler import host
from reconciler.applying.stopping import Stopping
from reconciler.cli.api_token import api_token, token_source
from reconciler.cli.arguments import (
    below_root,
    error_console,
    invocation_of,
    listing,
    print_raw,
    result_console,
    root_of,
    secrets_of,
    workspace_of,
)
from reconciler.cli.dispatch import STOPPING, on_signals
from reconciler.cli.exit_codes import DONE, FAILED, IN_DOUBT, SIGNAL_BASE
from reconciler.cli.notices import (
    ProgressFanOut,
    is_json,
    streaming,
    tell_backup,
    tell_error,
    tell_note,
    tell_notes,
    tell_warnings,
    telling,
    work_ended,
)
from reconciler.cli.plan_files import read_plan, write_document
from reconciler.model.commands import command
from reconciler.model.errors import NotConfirmed, UsageError
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Plan
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.events import JsonLog
from reconciler.outputs.json.writers import report_document, to_text
from reconciler.outputs.listing import Listing
from reconciler.outputs.text.console import Console, put, put_wrapped
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.report_text import print_report, signal_name
from reconciler.ports import Progress
from reconciler.sending import Applied, Recovery, Sending
from reconciler.workspace import Planned

_FINGERPRINT: Final = re.compile(r"sha256:[a-f0-9]{64}")
# The thread that writes the log needs the interpreter some dozen times in each write, while all creates
# with a record in that write wait. By default Python makes it wait up to 5 ms each time.
_SWITCH_S: Final = 0.001


def apply(parsed: argparse.Namespace) -> int:
    """Create the missing exams and print the outcome of each."""
    sys.setswitchinterval(_SWITCH_S)
    with streaming(parsed) as stream:
        with telling(parsed) as progress:
            applied = asyncio.run(_apply(parsed, progress, stream))
            on_signals(STOPPING, signal.SIG_IGN)  # another Ctrl-C must not cut off the report
        code, reason = _code_of(applied)
        work_ended(parsed, code)
        if stream is not None:
            _stream_applied(parsed, applied, stream)
    ending = f"Exit code {code}: {reason}." if code else ""
    try:
        if not _save_reports(parsed, applied, ending):
            code, ending = code or FAILED, ending or f"Exit code {FAILED}: the report is not in its file."
        if applied.backup is not None:
            tell_backup(parsed, applied.backup)
        if applied.trouble is not None:
            tell_error(parsed, applied.trouble)
        for message, hint in recovery_notes(applied.recovery, root_of(parsed)):
            tell_note(parsed, message, hint=hint)
    finally:  # even if standard error cannot be written
        if stream is None:
            _print_applied(parsed, applied, ending=ending)
    return code


def recovery_notes(recovery: Recovery, root: Path) -> Iterator[tuple[str, str]]:
    """Yield a message and a hint for each recovery file that a person must know about."""

    def told(path: Path) -> tuple[Path, str]:
        """Return `path`, relative to the workspace if possible, and the command that records it in state."""
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        return shown, command("state", "recover", str(shown))

    if recovery.file is not None:
        path, recover = told(recovery.file)
        yield (
            f"outcomes that the state may lack are kept in {path}",
            f"Once the state can be written again: {recover}",
        )
    if recovery.failure is not None:
        yield (
            f"the recovery file could not be written: {recovery.failure}",
            "The state has every outcome unless reported otherwise. Free some space, or use --recovery-dir.",
        )
    for earlier in recovery.earlier:
        path, recover = told(earlier)
        yield (
            f"an earlier run left outcomes in {path} that the state lacks",
            f"To record them: {recover}",
        )


def _stream_applied(parsed: argparse.Namespace, applied: Applied, stream: JsonLog) -> None:
    """Write the remaining events; the report is the last one."""
    invocation = invocation_of(parsed)
    if applied.backup is not None:
        stream.backed_up(applied.backup)
    if applied.trouble is not None:
        invocation.complete_error(applied.trouble)
        stream.failed(applied.trouble)
    for message, hint in recovery_notes(applied.recovery, root_of(parsed)):
        stream.noted(message, hint=invocation.completed(hint))
    doubts = _doubts(applied, invocation)
    stream.reported(applied.report, applied.plan, applied.state, doubts)


def _save_reports(parsed: argparse.Namespace, applied: Applied, ending: str) -> bool:
    """Write the report to the files that the options name; return whether all of them were written."""
    if parsed.out is None and parsed.summary is None:
        return True
    from reconciler.outputs.markdown.report import report_markdown  # noqa: PLC0415 - only pipelines need it

    invocation, is_saved = invocation_of(parsed), True
    doubts = _doubts(applied, invocation)
    document = to_text(report_document(applied.report, applied.plan, applied.state, doubts))
    text = report_markdown(
        applied.report,
        plan=applied.plan,
        state=applied.state,
        doubts=doubts,
        invocation=invocation,
        ending=ending,
    )
    for option, path, content in (("--out", parsed.out, document), ("--summary", parsed.summary, text)):
        try:
            if path is not None:
                write_document(parsed, path, content, option=option)
        except UsageError as error:
            tell_error(parsed, error)
            is_saved = False
    return is_saved


def _doubts(applied: Applied, invocation: Invocation) -> dict[Address, InDoubtReport]:
    sids = {exam.address: exam.sid for exam in applied.report.exams if exam.sid is not None}
    return in_doubt_reports_of_state(applied.state, invocation, lines=applied.plan.changes, sids=sids)


def _print_applied(parsed: argparse.Namespace, applied: Applied, *, ending: str) -> None:
    """Print the result, at last: in a log that joins both streams, the summary ends it."""
    invocation = invocation_of(parsed)
    doubts = _doubts(applied, invocation)
    if parsed.format == "json":
        print_raw(to_text(report_document(applied.report, applied.plan, applied.state, doubts)))
        return
    if applied.plan.differs and not applied.plan.to_make:  # else `_confirm` has shown it
        _show(parsed, Planned(plan=applied.plan))
    print_report(
        applied.report,
        result_console(parsed),
        plan=applied.plan,
        state=applied.state,
        doubts=doubts,
        invocation=invocation,
        ending=ending,
    )


async def _apply(parsed: argparse.Namespace, progress: Progress, stream: JsonLog | None) -> Applied:
    stopping = Stopping()
    on_signals(STOPPING, lambda number, _: stopping.request_by_signal(number))
    return await workspace_of(parsed).apply(
        sending=_sending(parsed),
        progress=progress if stream is None else cast("Progress", ProgressFanOut(progress, stream)),
        stopping=stopping,
        confirm=lambda planned: _confirm(parsed, planned, stream),
        by=host.describe_runner(os.environ),
        reviewed=_reviewed(parsed),
        targets=parsed.targets,
        max_creates=parsed.max_creates,
        lock_timeout_s=parsed.lock_timeout,
        recovery_directory=None if parsed.recovery_dir is None else below_root(parsed, parsed.recovery_dir),
        is_older_allowed=parsed.allow_older_state,
    )


def _sending(parsed: argparse.Namespace) -> Sending:
    return Sending(
        token=lambda: api_token(parsed),
        token_source=token_source(parsed),
        secrets=secrets_of(parsed),
        parallelism=parsed.parallelism,
        timeout_s=parsed.timeout,
        retry_budget_s=parsed.retry_timeout,
        is_plain_http_allowed=parsed.allow_plain_http,
    )


def _reviewed(parsed: argparse.Namespace) -> Plan | str | None:
    if parsed.expect is None or _FINGERPRINT.fullmatch(parsed.expect):
        expected: str | None = parsed.expect
        return expected
    return read_plan(parsed, Path(parsed.expect))


def _confirm(parsed: argparse.Namespace, planned: Planned, stream: JsonLog | None) -> bool:
    """Show the plan, and return whether to apply it: `--auto-approve`, or 'yes' at the terminal."""
    invocation = invocation_of(parsed)
    warnings = invocation.completed_diagnostics(planned.plan.warnings)
    tell_warnings(parsed, warnings)
    tell_notes(parsed, planned.notes)
    if stream is not None:
        stream.warned(warnings)
        for note in planned.notes:
            stream.noted(note.message, hint=invocation.completed(note.hint))
    try:
        _show(parsed, planned)
        sys.stdout.flush()
    except OSError:
        if not parsed.auto_approve:  # nobody can confirm what they cannot see
            raise
        # The report will tell if standard output cannot be written.
    if parsed.auto_approve:
        return True
    if not sys.stdin.isatty():
        raise NotConfirmed(
            "this plan needs confirmation, and standard input is not a terminal",
            hint="Nothing was sent. Add --auto-approve, best with --expect and the reviewed plan.",
        )
    return _is_confirmed(planned.plan, error_console(parsed))


def _is_confirmed(plan: Plan, console: Console) -> bool:
    """Ask at the terminal, and return whether the answer is 'yes'; after 'y' it asks again."""
    put(console)
    put_wrapped(console, f"Apply this plan {plan.destination.place}?")
    for prompt in ("Type 'yes' to continue: ", *["Type 'yes' in full, or 'no': "] * 2):
        console.file.write(prompt)
        console.file.flush()
        answer = sys.stdin.readline().strip().casefold()
        if answer not in {"y", "ye"}:
            return answer == "yes"
    return False


def _show(parsed: argparse.Namespace, planned: Planned) -> None:
    """Print the plan to standard output or, if that is JSON, to standard error; not at all if both are JSON.

    If nobody is asked, the exams are not listed: the report names them.
    """
    if parsed.format != "text" and is_json(parsed):
        return
    listed = listing(parsed)
    if parsed.auto_approve and listed is Listing.DIFFERING:
        listed = Listing.NOTHING
    console = result_console(parsed) if parsed.format == "text" else error_console(parsed)
    invocation = invocation_of(parsed)
    made = invocation.completed_plan(planned.plan)
    print_plan(made, console, listing=listed, invocation=invocation, provenance=planned.provenance)


def _code_of(applied: Applied) -> tuple[int, str]:
    """Return the exit code, and its reason in words."""
    report, earlier = applied.report, applied.plan.count(Action.IN_DOUBT)
    if report.interrupted_by is not None:
        return SIGNAL_BASE + report.interrupted_by, f"stopped by {signal_name(report.interrupted_by)}"
    if report.in_doubt or earlier:
        return IN_DOUBT, "exams are in doubt"
    is_complete = len(report.created) == len(report.exams)
    incomplete = [
        *([] if is_complete else ["exams were not created"]),
        *([] if applied.trouble is None else ["the state is not up to date, and its log is"]),
    ]
    return (FAILED, "; ".join(incomplete)) if incomplete else (DONE, "")

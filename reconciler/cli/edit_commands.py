"""The commands that change state only: init, import, resolve, accept, unlock, and those of `state`."""

import argparse
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec.structs import replace

from reconciler.cli.arguments import (
    below_root,
    error_console,
    invocation_of,
    print_raw,
    read_input,
    result_console,
    root_of,
    secrets_of,
    workspace_of,
)
from reconciler.cli.dispatch import on_signals
from reconciler.cli.example_files import refuse_where_taken, write_example
from reconciler.cli.exit_codes import DONE, FAILED
from reconciler.cli.notices import tell_backup, work_ended
from reconciler.cli.similar_files import question_about
from reconciler.editing import LARGEST_SHEET_BYTES, Edit, Restored
from reconciler.host import SystemClock, describe_runner
from reconciler.model.errors import SystemLacking, UsageError
from reconciler.model.locks import Breaking, Liveness, LockHolder
from reconciler.outputs.json.writers import recovery_document, to_text
from reconciler.outputs.text.console import count_of, put
from reconciler.outputs.text.in_doubt_text import print_sheet_result
from reconciler.outputs.text.recovery_text import print_recovery
from reconciler.ports import SecretSource
from reconciler.workspace import Workspace


def initialise(parsed: argparse.Namespace) -> int:
    """Create an empty state, perhaps with example files, or move an existing one to this workspace."""
    if parsed.example:
        refuse_where_taken(root_of(parsed), parsed.state)
    (workspace, location), source = _to_be_locked(parsed), parsed.migrate_from
    wait_s, is_encrypted = parsed.lock_timeout, parsed.encrypt
    if source is None:
        try:
            state = workspace.initialise(is_encrypted=is_encrypted)
        except SystemLacking:
            if parsed.example:  # its files are of use without a state
                put(result_console(parsed), _write_example(parsed))
            raise
        form = "empty, encrypted" if is_encrypted else "empty"
        text = f"Created an {form} state at {location} (lineage {state.lineage})."
        if parsed.example:
            text += f" {_write_example(parsed)}"
        then = "Next: `reconciler plan`"
    else:
        state = workspace.migrate(source, lock_timeout_s=wait_s, is_encrypted=is_encrypted)
        text = (
            f"The state is at {location} now (serial {state.serial}, {count_of(len(state.exams), 'exam')}, "
            f"{len(state.intents)} in doubt); {source} is marked as moved."
        )
        then = "Next: name it in reconciler.yaml, then `reconciler plan`"
    work_ended(parsed, DONE)
    put(result_console(parsed), text)
    if parsed.loudness != "quiet":
        put(error_console(parsed), invocation_of(parsed).completed(then))
    return DONE


def _write_example(parsed: argparse.Namespace) -> str:
    return f"Wrote {' and '.join(write_example(root_of(parsed), SystemClock().now()))}."


def adopt(parsed: argparse.Namespace) -> int:
    """Adopt an existing exam."""
    with _editing(parsed, "import") as edit:
        edit.adopt(parsed.address, parsed.sid, by=describe_runner(os.environ))
    return _say(parsed, f"{parsed.address} is {parsed.sid}", edit)


def resolve(parsed: argparse.Namespace) -> int:
    """Settle an in-doubt exam, or all that a sheet answers."""
    if parsed.sheet is not None:
        return _resolve_all(parsed)
    if parsed.address is None:
        raise UsageError(
            "no address is given", hint="Name the exam that is in doubt, or give a sheet with --from FILE."
        )
    sid = None if parsed.absent else parsed.sid
    with _editing(parsed, "resolve") as edit:
        edit.resolve(parsed.address, sid=sid, by=describe_runner(os.environ), attempt=parsed.attempt)
    settled = f"is {sid}" if sid else "was not created; apply will create it"
    return _say(parsed, f"{parsed.address} {settled}", edit)


def _resolve_all(parsed: argparse.Namespace) -> int:
    if parsed.address is not None or parsed.attempt is not None:
        raise UsageError(
            "--from settles what its sheet names",
            hint="Give no ADDRESS and no --attempt with it: the sheet has both.",
        )
    sheet, name = read_input(parsed, parsed.sheet, most=LARGEST_SHEET_BYTES)
    with _editing(parsed, "resolve") as edit:
        result = edit.resolve_all(sheet, name=name, by=describe_runner(os.environ))
    work_ended(parsed, DONE)
    console, left = result_console(parsed), len(edit.state.intents)
    print_sheet_result(result, console)
    settled = f"Settled {count_of(len(result.found), 'exam')}, {left:,} still in doubt"
    return _say(parsed, settled, edit)


def accept(parsed: argparse.Namespace) -> int:
    """Record that exams were changed in the service to what is declared."""
    with _editing(parsed, "accept", secrets=secrets_of(parsed)) as edit:
        edit.accept(parsed.addresses, by=describe_runner(os.environ), reason=parsed.reason)
    first, *more = dict.fromkeys(parsed.addresses)
    told = f"{first} is accepted" if not more else f"{count_of(len(more) + 1, 'exam')} are accepted"
    return _say(parsed, f"{told} as declared", edit)


def move(parsed: argparse.Namespace) -> int:
    """Change the address of an exam in state."""
    with _editing(parsed, "state mv") as edit:
        edit.move(parsed.source, parsed.target)
    return _say(parsed, f"{parsed.source} is now {parsed.target}", edit)


def remove(parsed: argparse.Namespace) -> int:
    """Remove an exam from state, and warn that a declared one will be created again."""
    with _editing(parsed, "state rm") as edit:
        edit.remove(parsed.address)
    _say(parsed, f"{parsed.address} is forgotten; the exam itself stays", edit)
    put(error_console(parsed), "While it is declared, the next apply creates it again.")
    return DONE


def push(parsed: argparse.Namespace) -> int:
    """Replace the state with a document."""
    document = below_root(parsed, parsed.file).read_bytes()
    with _editing(parsed, "state push") as edit:
        edit.push(document, name=str(parsed.file), forget=parsed.forget)
    return _say(
        parsed, "Nothing to do: the state is this document already" if edit.backup is None else "Pushed", edit
    )


def restore(parsed: argparse.Namespace) -> int:
    """Put an older state back: a file, a version of the store's history, or the backup."""
    (workspace, _), source = _to_be_locked(parsed), parsed.source
    path = None if source is None else below_root(parsed, Path(source))
    if path is not None and path.exists():
        document, name = path.read_bytes(), source
    else:
        document, name = _copy_of_state(workspace, source, path), source or "the backup"
    restored = workspace.restore(
        document,
        name=name,
        forget=parsed.forget,
        lock_timeout_s=parsed.lock_timeout,
        is_older_allowed=parsed.allow_older_state,
    )
    exams, doubts = count_of(len(restored.state.exams), "exam"), len(restored.state.intents)
    return _say(parsed, f"Restored {name}: {exams}, {doubts} in doubt", restored)


def _copy_of_state(workspace: Workspace, source: str | None, path: Path | None) -> bytes:
    try:
        return workspace.copy_of_state(source)
    except UsageError as error:
        error.hint = f"{'' if path is None else question_about(path)}{error.hint}"
        raise


def rebind(parsed: argparse.Namespace) -> int:
    """Bind the state to another service."""
    with _editing(parsed, "state rebind") as edit:
        edit.rebind(parsed.api_url)
    return _say(parsed, f"The exams in state are at {edit.state.service or ''}", edit)


def recover(parsed: argparse.Namespace) -> int:
    """Record the outcomes of a recovery file; return 1 if one of them needs a person."""
    document = below_root(parsed, parsed.file).read_bytes()
    with _editing(parsed, "state recover", is_recovery=True) as edit:
        fed = edit.recover(document, name=str(parsed.file))
    invocation = invocation_of(parsed)
    fed = tuple(replace(one, hint=invocation.completed(one.hint)) for one in fed)
    code = DONE if all(one.verdict.is_settled for one in fed) else FAILED
    work_ended(parsed, code)
    if parsed.format == "json":
        print_raw(to_text(recovery_document(fed)))
    else:
        print_recovery(fed, result_console(parsed))
    if edit.backup is not None:
        tell_backup(parsed, edit.backup)
    if code == DONE:
        put(
            error_console(parsed),
            f"All outcomes are in state (serial {edit.state.serial}); {parsed.file} may be removed.",
        )
    return code


def encrypt(parsed: argparse.Namespace) -> int:
    """Encrypt the state."""
    with _editing(parsed, "state encrypt") as edit:
        edit.encrypt()
    return _say(parsed, "Encrypted with the current key", edit)


def decrypt(parsed: argparse.Namespace) -> int:
    """Decrypt the state."""
    with _editing(parsed, "state decrypt") as edit:
        edit.decrypt()
    return _say(parsed, "Decrypted", edit)


def unlock(parsed: argparse.Namespace) -> int:
    """Show who holds the lock, and break it if its id was given."""
    workspace = workspace_of(parsed)
    if parsed.lock_id is None:
        if parsed.force:
            raise UsageError("--force needs the id of a lock", hint="`reconciler unlock` shows it.")
        return _show_lock(parsed, workspace.location, workspace.lock_holder())
    breaking = Breaking.EVEN_LIVE if parsed.force else Breaking.DEAD
    holder = workspace.unlock(parsed.lock_id, breaking=breaking)
    work_ended(parsed, DONE)
    put(result_console(parsed), f"Broke the lock of {holder}.")
    if holder.liveness is not Liveness.ENDED:
        text = (
            "It is safe if that run's process has ended. If it is only paused, end it now: a request that it "
            "had prepared may still leave. Exams that it was creating are in doubt; see `reconciler plan`."
        )
        put(error_console(parsed), invocation_of(parsed).completed(text))
    return DONE


def _show_lock(parsed: argparse.Namespace, location: str, holder: LockHolder | None) -> int:
    console = result_console(parsed)
    if holder is None:
        put(console, f"{location} is not locked.")
        return DONE
    ended = " That process has ended, so its lock blocks nobody." if holder.liveness is Liveness.ENDED else ""
    put(console, f"{location} is locked by {holder}.{ended}")
    return DONE


def _to_be_locked(parsed: argparse.Namespace) -> tuple[Workspace, str]:
    """Open the workspace and its store, and return where that is.

    All is loaded by now: from here on Ctrl-C raises, so that the lock is given back.
    """
    workspace = workspace_of(parsed)
    location = workspace.location
    on_signals([signal.SIGINT], signal.default_int_handler)
    return workspace, location


def _editing(
    parsed: argparse.Namespace,
    command: str,
    *,
    is_recovery: bool = False,
    secrets: SecretSource | None = None,
) -> AbstractContextManager[Edit]:
    workspace, _ = _to_be_locked(parsed)
    return workspace.editing(
        lock_timeout_s=parsed.lock_timeout,
        command=command,
        is_older_allowed=parsed.allow_older_state,
        is_recovery=is_recovery,
        secrets=secrets,
    )


def _say(parsed: argparse.Namespace, done: str, edit: Edit | Restored) -> int:
    work_ended(parsed, DONE)
    put(result_console(parsed), f"{done} (state serial {edit.state.serial}).")
    if edit.backup is not None:
        tell_backup(parsed, edit.backup)
    return DONE

"""The commands that change state only: init, import, resolve, unlock, and those of `state` that mend."""

import argparse
import os

from reconciler import host, workflows
from reconciler.cli.consoles import below_root, error_console, print_raw, result_console, scope_of
from reconciler.cli.exit_codes import DONE, FAILED
from reconciler.cli.telling import tell_backup, work_ended
from reconciler.model.errors import UsageError
from reconciler.model.state import Mended
from reconciler.outputs import print_recovery, printable, recovery_document, to_text
from reconciler.ports import Breaking, Liveness, LockHolder
from reconciler.workflows import Form


def initialise(parsed: argparse.Namespace) -> int:
    """Create an empty state, or move one here."""
    if parsed.migrate_from is not None:
        return _migrate(parsed)
    location, state = workflows.initialise(
        scope_of(parsed), lock_timeout_s=parsed.lock_timeout, form=_form(parsed)
    )
    work_ended(parsed, DONE)
    form = "empty, encrypted" if parsed.encrypt else "empty"
    text = f"Created an {form} state at {printable(location)} (lineage {state.lineage})."
    result_console(parsed).print(text, soft_wrap=True)
    error_console(parsed).print("Next: reconciler plan")
    return DONE


def _migrate(parsed: argparse.Namespace) -> int:
    location, state = workflows.migrate(
        scope_of(parsed),
        parsed.migrate_from,
        lock_timeout_s=parsed.lock_timeout,
        form=_form(parsed),
    )
    work_ended(parsed, DONE)
    text = (
        f"The state is at {printable(location)} now (serial {state.serial}, {len(state.exams)} exams, "
        f"{len(state.intents)} in doubt); {printable(parsed.migrate_from)} is marked as moved."
    )
    result_console(parsed).print(text, soft_wrap=True)
    error_console(parsed).print("Next: name it in reconciler.yaml, then reconciler plan", soft_wrap=True)
    return DONE


def _form(parsed: argparse.Namespace) -> Form:
    return Form.ENCRYPTED if parsed.encrypt else Form.AS_IT_IS


def adopt(parsed: argparse.Namespace) -> int:
    """Adopt an exam that exists."""
    scope = scope_of(parsed)
    by = host.describe_runner(os.environ)
    mended = workflows.adopt(scope, parsed.address, parsed.sid, by=by, lock_timeout_s=parsed.lock_timeout)
    return _say(parsed, f"{parsed.address} is {parsed.sid}", mended)


def resolve(parsed: argparse.Namespace) -> int:
    """Settle an in-doubt exam."""
    scope = scope_of(parsed)
    sid = None if parsed.absent else parsed.sid
    mended = workflows.resolve(
        scope,
        parsed.address,
        sid=sid,
        attempt=parsed.attempt,
        by=host.describe_runner(os.environ),
        lock_timeout_s=parsed.lock_timeout,
    )
    settled = (
        f"{parsed.address} is {sid}" if sid else f"{parsed.address} was not created; apply will create it"
    )
    return _say(parsed, settled, mended)


def move(parsed: argparse.Namespace) -> int:
    """Give an exam in state another address."""
    scope = scope_of(parsed)
    mended = workflows.move(scope, parsed.source, parsed.target, lock_timeout_s=parsed.lock_timeout)
    return _say(parsed, f"{parsed.source} is now {parsed.target}", mended)


def remove(parsed: argparse.Namespace) -> int:
    """Forget an exam, and warn of what that means where it is still declared."""
    mended = workflows.remove(scope_of(parsed), parsed.address, lock_timeout_s=parsed.lock_timeout)
    _say(parsed, f"{parsed.address} is forgotten; the exam itself stays", mended)
    error_console(parsed).print("While it is declared, the next apply creates it again.", soft_wrap=True)
    return DONE


def push(parsed: argparse.Namespace) -> int:
    """Make a document the state."""
    document = below_root(parsed, parsed.file).read_bytes()
    mended = workflows.push(
        scope_of(parsed), document, name=str(parsed.file), lock_timeout_s=parsed.lock_timeout
    )
    done = "Nothing to do: this is the state" if mended.backup is None else "Pushed"
    return _say(parsed, done, mended)


def rebind(parsed: argparse.Namespace) -> int:
    """Bind the state to another service."""
    mended = workflows.rebind(scope_of(parsed), parsed.api_url, lock_timeout_s=parsed.lock_timeout)
    return _say(parsed, f"The exams in state are at {printable(mended.state.service or '')}", mended)


def recover(parsed: argparse.Namespace) -> int:
    """Feed a recovery file back; 1 if something in it needs a person."""
    document = below_root(parsed, parsed.file).read_bytes()
    recovered = workflows.recover(
        scope_of(parsed), document, name=str(parsed.file), lock_timeout_s=parsed.lock_timeout
    )
    work_ended(parsed, DONE if recovered.is_settled else FAILED)
    if parsed.format == "json":
        print_raw(to_text(recovery_document(recovered.fed)))
    else:
        print_recovery(recovered.fed, result_console(parsed))
    if recovered.mended.backup is not None:
        tell_backup(parsed, recovered.mended.backup)
    if not recovered.is_settled:
        return FAILED
    error_console(parsed).print(
        f"State has all of it (serial {recovered.mended.state.serial}); {printable(str(parsed.file))} is no "
        "longer needed.",
        soft_wrap=True,
    )
    return DONE


def encrypt(parsed: argparse.Namespace) -> int:
    """Encrypt the state."""
    mended = workflows.encrypt(scope_of(parsed), lock_timeout_s=parsed.lock_timeout)
    return _say(parsed, "Encrypted with the present key", mended)


def decrypt(parsed: argparse.Namespace) -> int:
    """Decrypt the state."""
    mended = workflows.decrypt(scope_of(parsed), lock_timeout_s=parsed.lock_timeout)
    return _say(parsed, "Decrypted", mended)


def unlock(parsed: argparse.Namespace) -> int:
    """Show who holds the lock, and break it if its id was given."""
    scope = scope_of(parsed)
    if parsed.lock_id is None:
        if parsed.force:
            raise UsageError("--force needs the id of a lock", hint="`reconciler unlock` shows it.")
        return _show_lock(parsed, *workflows.lock_holder(scope))
    breaking = Breaking.EVEN_LIVE if parsed.force else Breaking.DEAD
    holder = workflows.unlock(scope, parsed.lock_id, breaking=breaking)
    work_ended(parsed, DONE)
    result_console(parsed).print(f"Broke the lock of {printable(str(holder))}.", soft_wrap=True)
    if holder.liveness is not Liveness.ENDED:
        error_console(parsed).print(
            "That run may still go on, but it can record nothing more: exams that it has in flight are in "
            "doubt. See: reconciler plan",
            soft_wrap=True,
        )
    return DONE


def _show_lock(parsed: argparse.Namespace, location: str, holder: LockHolder | None) -> int:
    console, where = result_console(parsed), printable(location)
    if holder is None:
        console.print(f"{where} is not locked.", soft_wrap=True)
        return DONE
    ended = " That process has ended: its lock keeps nobody out." if holder.liveness is Liveness.ENDED else ""
    console.print(f"{where} is locked by {printable(str(holder))}.{ended}", soft_wrap=True)
    return DONE


def _say(parsed: argparse.Namespace, done: str, mended: Mended) -> int:
    work_ended(parsed, DONE)
    result_console(parsed).print(f"{done} (state serial {mended.state.serial}).", soft_wrap=True)
    if mended.backup is not None:
        error_console(parsed).print(f"The state before is at {printable(mended.backup)}", soft_wrap=True)
    return DONE

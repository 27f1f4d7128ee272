"""The commands that change nothing: validate, plan, show, state list, state show, state pull."""

import argparse
import json

from reconciler import statefile, workflows
from reconciler.cli.consoles import (
    error_console,
    hint_at_rules,
    listing,
    print_raw,
    read_plan,
    result_console,
    scope_of,
    write_plan,
)
from reconciler.cli.exit_codes import DIFFERS, DONE, FAILED, IN_DOUBT
from reconciler.model.diagnostics import has_errors
from reconciler.model.errors import UsageError
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Plan
from reconciler.outputs import (
    diagnostics_document,
    plan_document,
    print_diagnostics,
    print_entry,
    print_plan,
    print_state,
    to_text,
)


def validate(parsed: argparse.Namespace) -> int:
    """Print every finding; 1 if one of them is an error."""
    loaded = workflows.validate(scope_of(parsed), now=parsed.now)
    found = loaded.diagnostics
    if parsed.format == "json":
        print_raw(to_text(diagnostics_document(found)))
    elif found:
        print_diagnostics(found, result_console(parsed))
        hint_at_rules(found, error_console(parsed))
    else:
        exams = len(loaded.declared.exams)
        result_console(parsed).print(f"Valid: {exams} exam{'' if exams == 1 else 's'}, no findings.")
    return FAILED if has_errors(found) else DONE


def plan(parsed: argparse.Namespace) -> int:
    """Print the plan, and write it where `--out` says."""
    planned = workflows.plan(
        scope_of(parsed), targets=parsed.targets, max_creates=parsed.max_creates, now=parsed.now
    )
    if planned.warnings:
        print_diagnostics(planned.warnings, error_console(parsed))
        hint_at_rules(planned.warnings, error_console(parsed))
    if parsed.out is not None:
        write_plan(parsed, parsed.out, to_text(plan_document(planned.plan, listing=listing(parsed))))
    _print_plan(parsed, planned.plan)
    return _code_of(planned.plan) if parsed.detailed_exitcode else DONE


def _print_plan(parsed: argparse.Namespace, made: Plan) -> None:
    if parsed.format == "json":
        print_raw(to_text(plan_document(made, listing=listing(parsed))))
    else:
        print_plan(made, result_console(parsed), listing=listing(parsed))


def _code_of(made: Plan) -> int:
    if made.count(Action.IN_DOUBT):
        return IN_DOUBT
    return DIFFERS if made.differs else DONE


def show(parsed: argparse.Namespace) -> int:
    """Print a saved plan, or without one the state."""
    if parsed.file is None:
        return list_state(parsed)
    _print_plan(parsed, read_plan(parsed, parsed.file))
    return DONE


def list_state(parsed: argparse.Namespace) -> int:
    """Print every exam in state."""
    state = workflows.read_state(scope_of(parsed))
    if parsed.format == "json":
        print_raw(statefile.encode_state(state).decode())
    else:
        print_state(state, result_console(parsed))
    return DONE


def pull(parsed: argparse.Namespace) -> int:
    """Print the state's document, with what a killed run left in the journal."""
    print_raw(statefile.encode_state(workflows.read_state(scope_of(parsed))).decode())
    return DONE


def show_entry(parsed: argparse.Namespace) -> int:
    """Print one exam in state."""
    state = workflows.read_state(scope_of(parsed))
    address = Address(parsed.address)
    if address not in state.exams and address not in state.intents:
        raise UsageError(f"{address} is not in state", hint="`reconciler state list` lists all that is.")
    if parsed.format == "json":
        document = json.loads(statefile.encode_state(state))
        print_raw(to_text(document["exams"].get(address) or document["intents"][address]))
    else:
        print_entry(address, state, result_console(parsed))
    return DONE

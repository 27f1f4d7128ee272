"""The commands that change nothing: validate, plan, show, state list, state show, state pull."""

import argparse
import gc
import json
from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.cli.arguments import (
    below_root,
    error_console,
    hint_at_rules,
    invocation_of,
    listing,
    note_slow_reading,
    print_raw,
    result_console,
    secrets_of,
    workspace_of,
)
from reconciler.cli.commands import TEXT_OR_JSON
from reconciler.cli.exit_codes import DIFFERS, DONE, FAILED, IN_DOUBT
from reconciler.cli.notices import tell_note, tell_notes
from reconciler.cli.plan_files import read_plan, write_document
from reconciler.model.diagnostics import has_errors
from reconciler.model.errors import UsageError
from reconciler.model.globs import selected
from reconciler.model.identities import Address
from reconciler.model.payloads import Json
from reconciler.model.plan import Action, Plan
from reconciler.model.provenance import Provenance
from reconciler.model.state import State
from reconciler.model.words import nearest
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.plan import plan_document
from reconciler.outputs.json.writers import diagnostics_document, to_text
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.text.console import count_of, put
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.state_text import print_entry, print_state
from reconciler.state.state_format import encode_state


def validate(parsed: argparse.Namespace) -> int:
    """Print all diagnostics; return 1 if one of them is an error."""
    gc.disable()  # as in `plan`
    note_slow_reading(parsed)
    loaded = workspace_of(parsed).validate(now=parsed.now)
    found = invocation_of(parsed).completed_diagnostics(loaded.diagnostics)
    loaded = replace(loaded, diagnostics=found)
    if parsed.format == "json":
        print_raw(to_text(diagnostics_document(found)))
    elif parsed.format != "text":
        from reconciler.cli.ci_output import print_for_ci  # noqa: PLC0415 - only pipelines need it

        print_for_ci(parsed, loaded)
    elif found:
        print_diagnostics(found, result_console(parsed))
        hint_at_rules(found, error_console(parsed))
    if not found and parsed.format in {"text", "github"}:
        exams = len(loaded.declared.exams)
        put(result_console(parsed), f"Valid: {count_of(exams, 'exam')}, no problems found.")
    return FAILED if has_errors(found) else DONE


def plan(parsed: argparse.Namespace) -> int:
    """Print the plan, and write it to the file of `--out`."""
    gc.disable()  # a plan makes no garbage; searching for it takes a sixteenth of the time
    note_slow_reading(parsed)
    planned = workspace_of(parsed).plan(
        targets=parsed.targets,
        max_creates=parsed.max_creates,
        now=parsed.now,
        secrets=secrets_of(parsed),
    )
    invocation = invocation_of(parsed)
    made = invocation.completed_plan(planned.plan)
    if made.warnings:
        print_diagnostics(made.warnings, error_console(parsed))
        hint_at_rules(made.warnings, error_console(parsed))
    tell_notes(parsed, planned.notes)
    if parsed.out is not None:
        document = plan_document(
            made, listing=listing(parsed), invocation=invocation, provenance=planned.provenance
        )
        write_document(parsed, parsed.out, to_text(document))
    _print_plan(parsed, made, invocation, planned.provenance)
    return _code_of(planned.plan) if parsed.detailed_exitcode else DONE


def _print_plan(
    parsed: argparse.Namespace,
    made: Plan,
    invocation: Invocation,
    provenance: Mapping[Address, Provenance],
) -> None:
    listed = listing(parsed)
    match parsed.format:
        case "json":
            print_raw(
                to_text(plan_document(made, listing=listed, invocation=invocation, provenance=provenance))
            )
        case "markdown":
            from reconciler.outputs.markdown.comment import plan_markdown  # noqa: PLC0415 - seldom needed

            print_raw(plan_markdown(made, listing=listed, invocation=invocation, provenance=provenance))
        case "html":
            from reconciler.outputs.html.page import plan_page  # noqa: PLC0415 - jinja2 is slow to load

            print_raw(plan_page(made, listing=listed, invocation=invocation, provenance=provenance))
        case "csv" | "ics":
            _print_table(parsed, made, listed)
        case "gitlab-terraform":
            from reconciler.outputs.ci.gitlab import terraform_report  # noqa: PLC0415 - seldom needed

            print_raw(to_text(terraform_report(made)))
        case _:
            print_plan(
                made,
                result_console(parsed),
                listing=listed,
                invocation=invocation,
                provenance=provenance,
                sources=Sources.PLACED if parsed.provenance else Sources.MARKED,
            )


def _print_table(parsed: argparse.Namespace, made: Plan, listed: Listing) -> None:
    """Print exams as CSV or as a calendar, neither of which can say that apply would refuse the plan."""
    from reconciler.outputs.tables.exam_calendar import plan_calendar  # noqa: PLC0415 - seldom needed
    from reconciler.outputs.tables.plan_table import plan_csv  # noqa: PLC0415 - seldom needed

    for guard in made.guards:
        tell_note(parsed, f"apply would refuse this plan: {guard.message}", hint=" ".join(guard.remedies))
    if parsed.format == "csv":
        print_raw(plan_csv(made, listing=listed))
    else:
        print_raw(plan_calendar(made))


def _code_of(made: Plan) -> int:
    if made.guards:
        return FAILED
    if made.count(Action.IN_DOUBT):
        return IN_DOUBT
    return DIFFERS if made.differs else DONE


def show(parsed: argparse.Namespace) -> int:
    """Print a saved plan or, without a file, the state."""
    if parsed.file is None:
        if parsed.format in {"csv", "ics"}:
            from reconciler.outputs.tables.state_changes import state_as_plan  # noqa: PLC0415 - seldom needed

            _print_table(parsed, state_as_plan(workspace_of(parsed).load_state()), Listing.ALL)
            return DONE
        if parsed.format not in TEXT_OR_JSON:
            raise UsageError(
                f"the state cannot be shown as {parsed.format}: only a plan can",
                hint="Name a plan that `reconciler plan --out FILE` wrote, or use text, json, csv or ics.",
            )
        return _print_state(parsed, workspace_of(parsed).load_state())
    saved = read_plan(parsed, parsed.file)
    is_said = parsed.env is not None or parsed.state is not None or not saved.invocation.options
    invocation = invocation_of(parsed) if is_said else saved.invocation
    if saved.warnings and parsed.format == "text":
        print_diagnostics(saved.warnings, error_console(parsed))
    _print_plan(parsed, saved, invocation, saved.provenance)
    return DONE


def list_state(parsed: argparse.Namespace) -> int:
    """Print the exams in state, or those that are asked for."""
    state = workspace_of(parsed).load_state()
    if parsed.glob is not None or parsed.in_doubt:
        known = frozenset({*state.exams, *state.intents})
        found = known if parsed.glob is None else selected(known, parsed.glob, "glob")
        state = state.part(found & state.intents.keys() if parsed.in_doubt else found)
    return _print_state(parsed, state)


def _print_state(parsed: argparse.Namespace, state: State) -> int:
    invocation = invocation_of(parsed)
    match parsed.format:
        case "json":
            print_raw(encode_state(state).decode())
        case "csv":
            from reconciler.outputs.tables.state import state_csv  # noqa: PLC0415 - seldom needed

            print_raw(state_csv(state))
        case "markdown":
            from reconciler.outputs.markdown.state import state_markdown  # noqa: PLC0415 - seldom needed

            print_raw(state_markdown(state, invocation))
        case _:
            print_state(state, result_console(parsed), invocation=invocation)
    return DONE


def pull(parsed: argparse.Namespace) -> int:
    """Print the state as JSON, including the log of a killed run, or decrypt and print a file."""
    if parsed.file is not None:
        document = below_root(parsed, parsed.file).read_bytes()
        plain = workspace_of(parsed).plain_text(document, name=str(parsed.file))
        print_raw(plain.decode("utf-8", "backslashreplace"))
        return DONE
    print_raw(encode_state(workspace_of(parsed).load_state()).decode())
    return DONE


def show_entry(parsed: argparse.Namespace) -> int:
    """Print one exam in state."""
    state = workspace_of(parsed).load_state()
    address = Address(parsed.address)
    history = (*state.resolutions_of(address), *state.acceptances_of(address))
    if address not in state.exams and address not in state.intents and not history:
        near = nearest(address, sorted({*state.exams, *state.intents}))
        question = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"{address} is not in state", hint=f"{question}`reconciler state list` lists all that is."
        )
    if parsed.format == "json":
        print_raw(to_text(_entry_document(address, state)))
    else:
        print_entry(address, state, result_console(parsed), invocation=invocation_of(parsed))
    return DONE


def _entry_document(address: Address, state: State) -> dict[str, Json]:
    """Return the part of the state's document for `address`, with its resolutions and acceptances."""
    history = {
        "resolutions": state.resolutions_of(address),
        "acceptances": state.acceptances_of(address),
    }
    told = replace(state, **history)
    document = json.loads(encode_state(told))
    found = document["exams"].get(address) or document["intents"].get(address) or {}
    return found | {key: document[key] for key in history if key in document}

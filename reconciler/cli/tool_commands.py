"""The commands that need no state: explain, schema, sandbox."""

import argparse

from reconciler import schemas
from reconciler.cli.arguments import below_root, print_raw, result_console, root_of, variable
from reconciler.cli.exit_codes import DONE, MEANINGS
from reconciler.explaining.topics import Topics
from reconciler.model.errors import PackageMissing, UsageError
from reconciler.outputs.json.writers import explanations_document, to_text
from reconciler.outputs.text.explanation_text import print_explanation
from reconciler.sandbox import Settings, parse_fault, serve
from reconciler.workspace import Workspace


def schema(parsed: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    print_raw(schemas.text_of(parsed.name))
    return DONE


def explain(parsed: argparse.Namespace) -> int:
    """Explain a field, a rule, or a word of an output or, without a topic, list them."""
    topics = Topics(Workspace.open(root=root_of(parsed)).rules, MEANINGS)
    text = topics.overview() if parsed.topic is None else topics.explained(parsed.topic)
    if text is None:
        near = " or ".join(f"'{name}'" for name in topics.nearest(parsed.topic))
        question = f"Did you mean {near}? " if near else ""
        raise UsageError(
            f"no field, rule, code or word is called {parsed.topic[:60]!r}",
            hint=f"{question}`reconciler explain` lists them all.",
        )
    if parsed.format == "json":
        names = topics.names() if parsed.topic is None else [parsed.topic]
        print_raw(to_text(explanations_document({name: topics.explained(name) or "" for name in names})))
    elif parsed.format == "markdown":
        print_raw(text)
    else:
        print_explanation(text, result_console(parsed))
    return DONE


def sandbox(parsed: argparse.Namespace) -> int:
    """Run the local stand-in for the service until a signal ends it."""
    try:
        faults = tuple(parse_fault(text) for text in parsed.faults)
    except ValueError as error:
        raise UsageError(
            str(error), hint="`reconciler explain sandbox` lists the kinds and keys of faults."
        ) from error
    store = None if parsed.store is None else below_root(parsed, parsed.store)
    settings = Settings(
        host=parsed.host,
        port=parsed.port,
        store=store,
        token=variable("SANDBOX_TOKEN"),
        faults=faults,
        verbose=parsed.loudness == "verbose",
    )
    try:
        return serve(settings)
    except ImportError as error:
        raise PackageMissing("the sandbox", error, extra="sandbox") from error

"""The parsers of the commands that make, show and mend state."""

from pathlib import Path

from reconciler.cli.options import (
    TEXT_OR_JSON,
    Commands,
    Parser,
    add_command,
    add_commands,
    add_format,
    add_lock_timeout,
    add_paths,
    add_scope,
)


def add_init(commands: Commands) -> None:
    """Add `init`."""
    add_command(
        commands,
        "init",
        does="create an empty state, once for each workspace and environment",
        handler="reconciler.cli.settling:initialise",
        examples=[
            "reconciler init",
            "reconciler init --state file:state/staging.json",
            "reconciler init --migrate-from file:exams.state.json --state file:state/exams.json",
        ],
        fill=_fill_init,
    )


def _fill_init(parser: Parser) -> None:
    parser.add_argument(
        "--migrate-from",
        metavar="URL",
        help="move the state that is at URL here; the old place is marked, and cannot be used again",
    )
    parser.add_argument(
        "--encrypt", action="store_true", help="keep it encrypted, with the key in $RECONCILER_STATE_KEY"
    )
    add_scope(parser)
    add_lock_timeout(parser)


def add_state(commands: Commands) -> None:
    """Add `state` with its own commands."""
    add_command(commands, "state", does="inspect and mend state", handler="", fill=_fill_state)


def _fill_state(parser: Parser) -> None:
    below = add_commands(parser, name="state_command")
    add_command(
        below,
        "list",
        does="list every exam in state",
        handler="reconciler.cli.reading:list_state",
        fill=_fill_list,
    )
    add_command(
        below,
        "show",
        does="show one exam in state, field by field",
        handler="reconciler.cli.reading:show_entry",
        examples=["reconciler state show cs101/midterm-1"],
        fill=_fill_show,
    )
    add_command(
        below,
        "mv",
        does="give an exam in state another address",
        handler="reconciler.cli.settling:move",
        examples=["reconciler state mv cs101/midterm cs101/midterm-1"],
        fill=_fill_move,
    )
    add_command(
        below,
        "rm",
        does="forget an exam in state; the exam itself stays",
        handler="reconciler.cli.settling:remove",
        examples=["reconciler state rm cs101/midterm-1"],
        fill=_fill_remove,
    )
    add_command(
        below,
        "pull",
        does="print the state's document, journal included",
        handler="reconciler.cli.reading:pull",
        examples=["reconciler state pull > copy.json"],
        fill=_fill_pull,
    )
    add_command(
        below,
        "push",
        does="make a document the state: one of the same lineage with a later serial",
        handler="reconciler.cli.settling:push",
        examples=["reconciler state push copy.json"],
        fill=_fill_push,
    )
    add_command(
        below,
        "recover",
        does="feed back the outcomes that a run kept on its machine because the state's store failed",
        handler="reconciler.cli.settling:recover",
        examples=["reconciler state recover .reconciler/recovery/5f0c6f0e9f5b4f7c8d3a2b1c0d9e8f7a.recovery"],
        fill=_fill_recover,
    )
    add_command(
        below,
        "rebind",
        does="say that the exams in state are at another service, or at the same one under a new address",
        handler="reconciler.cli.settling:rebind",
        examples=["reconciler state rebind --api-url https://api.example.edu"],
        fill=_fill_rebind,
    )
    add_command(
        below,
        "encrypt",
        does="encrypt the state with the key in $RECONCILER_STATE_KEY; one that is encrypted, anew",
        handler="reconciler.cli.settling:encrypt",
        examples=["reconciler state encrypt"],
        fill=_fill_mending,
    )
    add_command(
        below,
        "decrypt",
        does="keep the state as plain text from now on",
        handler="reconciler.cli.settling:decrypt",
        examples=["reconciler state decrypt"],
        fill=_fill_mending,
    )


def _fill_rebind(parser: Parser) -> None:
    parser.add_argument("--api-url", metavar="URL", required=True, help="base URL of the service")
    _fill_mending(parser)


def _fill_list(parser: Parser) -> None:
    add_scope(parser)
    add_format(parser, *TEXT_OR_JSON)


def _fill_show(parser: Parser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the exam's address")
    _fill_list(parser)


def _fill_move(parser: Parser) -> None:
    parser.add_argument("source", metavar="FROM", help="the address that it has")
    parser.add_argument("target", metavar="TO", help="the address that it gets; nothing may be there")
    _fill_mending(parser)


def _fill_remove(parser: Parser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the exam's address")
    _fill_mending(parser)


def _fill_pull(parser: Parser) -> None:
    parser.add_argument(
        "--file", metavar="FILE", type=Path, help="print this copy or backup of an encrypted state instead"
    )
    add_scope(parser)


def _fill_recover(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the file that `apply` named")
    add_format(parser, *TEXT_OR_JSON)
    _fill_mending(parser)


def _fill_push(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="what `state pull` printed, mended")
    _fill_mending(parser)


def _fill_mending(parser: Parser) -> None:
    add_scope(parser)
    add_lock_timeout(parser)


def add_import(commands: Commands) -> None:
    """Add `import`."""
    add_command(
        commands,
        "import",
        does="adopt an exam that exists; it is taken to be as declared or, if it was in doubt, as sent",
        handler="reconciler.cli.settling:adopt",
        examples=["reconciler import cs101/final EX1234567890abcdef1234567890abcdef"],
        fill=_fill_import,
    )


def _fill_import(parser: Parser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the address that declares it")
    parser.add_argument("sid", metavar="SID", help="the exam's SID: EX and 32 hexadecimal digits")
    add_paths(parser)
    add_scope(parser)
    add_lock_timeout(parser)


def add_resolve(commands: Commands) -> None:
    """Add `resolve`."""
    add_command(
        commands,
        "resolve",
        does="settle an exam that is in doubt, after a person has looked whether it exists",
        handler="reconciler.cli.settling:resolve",
        examples=[
            "reconciler resolve cs101/final --sid EX1234567890abcdef1234567890abcdef",
            "reconciler resolve cs101/final --absent",
        ],
        fill=_fill_resolve,
    )


def _fill_resolve(parser: Parser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the address that is in doubt")
    answer = parser.add_mutually_exclusive_group(required=True)
    answer.add_argument("--sid", metavar="SID", help="it was created, and this is its SID")
    answer.add_argument("--absent", action="store_true", help="it was not created; the next apply creates it")
    parser.add_argument("--attempt", metavar="ID", help="refuse if another attempt than this is in doubt")
    add_scope(parser)
    add_lock_timeout(parser)


def add_unlock(commands: Commands) -> None:
    """Add `unlock`."""
    add_command(
        commands,
        "unlock",
        does="break the state's lock; without LOCK_ID, show who holds it",
        handler="reconciler.cli.settling:unlock",
        examples=["reconciler unlock", "reconciler unlock 5f0c6f0e9f5b4f7c8d3a2b1c0d9e8f7a"],
        fill=_fill_unlock,
    )


def _fill_unlock(parser: Parser) -> None:
    parser.add_argument(
        "lock_id", metavar="LOCK_ID", nargs="?", help="the id of the lock, as whoever was kept out was told"
    )
    parser.add_argument(
        "--force", action="store_true", help="break it even if its holder is known to be alive"
    )
    add_scope(parser)

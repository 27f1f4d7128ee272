"""The table of commands: name, purpose, handler, options and examples of each."""

import argparse
from typing import Final

from reconciler.cli.parser import Command, Group, OneOf, Option, Parser, make_parser, option
from reconciler.cli.values import command_line, count, duration_s, moment, parallelism, positive_duration_s

TEXT_OR_JSON: Final = ("text", "json")
_SHELLS: Final = ("bash", "zsh", "fish")
_SCHEMAS: Final = (
    "check",
    "create-exam",
    "diagnostics",
    "explanations",
    "log",
    "manifest",
    "plan",
    "recovery",
    "report",
    "sealed",
    "state",
    "workspace",
)

_LOUDNESS: Final = {"dest": "loudness", "action": "store_const", "default": "normal"}
_COMMON: Final = (
    option("--chdir DIR", "work in DIR instead of here"),
    option("--no-color", "print no styles"),
    OneOf(
        (
            option(
                "--verbose",
                "also list exams that are up to date; show new ones in full",
                const="verbose",
                **_LOUDNESS,
            ),
            option("--quiet", "show neither progress nor what to do next", const="quiet", **_LOUDNESS),
        ),
        is_required=False,
    ),
)
_ENV: Final = option("--env NAME", "the environment of reconciler.yaml to use")
_STATE: Final = (
    _ENV,
    option("--state URL", "the state (default: file:exams.state.json). The environment's comes first"),
)
_LOCK_TIMEOUT: Final = option(
    "--lock-timeout DURATION",
    "how long to wait for the lock (default: 0). Such as 30s, 5m or 1h",
    type=duration_s,
    default=0.0,
)
_LOCKED: Final = (*_STATE, _LOCK_TIMEOUT)
_ALLOW_OLDER_STATE: Final = option("--allow-older-state", "go on with a state older than one seen here")
_FORGET: Final = option(
    "--forget N",
    "confirm that N exams are no longer in state. Default: 0",
    type=count,
    default=0,
)
_EDITING: Final = (*_LOCKED, _ALLOW_OLDER_STATE)
_PATHS: Final = option(
    "paths PATH",
    "manifests: files, directories or globs. Default: those of reconciler.yaml, else exams.yaml, "
    "else exams/**/*.yaml",
    nargs="*",
)
_STRICT: Final = option(
    "--strict", "treat warnings as errors. Those that only depend on the current time stay warnings"
)
_NOW: Final = option(
    "--now TIME",
    "time for rules, as 2031-10-01T00:00:00Z (default: now)",
    type=moment,
)
_API_URL: Final = option(
    "--api-url URL",
    "base URL of the service. Default: the environment's apiUrl, else $SMARTERPROCTORING_URL, "
    "else the state's, else production",
)
_SELECTION: Final = (
    option(
        "--target ADDRESS",
        "only exams at this address or glob. May be repeated",
        dest="targets",
        action="append",
        default=[],
    ),
    option(
        "--max-creates N",
        "refuse to create more than N exams (default: 100). maxCreates of reconciler.yaml comes first",
        type=count,
    ),
)
_PROVENANCE: Final = option("--provenance", "show the file, line and layer of every value")
_SECRETS_COMPARED: Final = option(
    "--secrets-dir DIR",
    "the directory of fromFile secrets. They are read only if $RECONCILER_STATE_KEY is set",
)
_ADDRESS: Final = option("address ADDRESS", "the exam's address")


def _format(*more: str) -> Option:
    formats = (*TEXT_OR_JSON, *more)
    return option("--format FORMAT", f"print as {', '.join(formats)}", choices=formats, default="text")


_TABLE: Final = "exams as CSV or .xlsx, or quizzes of Canvas as JSON"
_TABLE_READING: Final = (
    option("--map FILE", "YAML: which field a column holds, as in `Kursname: title`", dest="columns"),
    option(
        "--dates ORDER",
        "order of day, month and year: mdy, dmy or ymd. Needed where a table leaves it open",
        choices=("mdy", "dmy", "ymd"),
    ),
)
_PLAN_FORMAT: Final = _format("markdown", "html", "csv", "ics", "gitlab-terraform")


COMMANDS: Final = (
    Command(
        "init",
        "create an empty state, once for each workspace and environment",
        "edit_commands:initialise",
        (
            OneOf(
                (
                    option(
                        "--migrate-from URL",
                        "move the state from URL to here. The old one is marked as moved and cannot be used "
                        "again",
                    ),
                    option("--example", "also write a manifest and a workspace file to begin with"),
                ),
                is_required=False,
            ),
            option("--encrypt", "encrypt the state with the key in $RECONCILER_STATE_KEY"),
            *_LOCKED,
        ),
        (
            "reconciler init",
            "reconciler init --example",
            "reconciler init --state file:state/staging.json",
            "reconciler init --migrate-from file:exams.state.json --state file:state/exams.json",
        ),
    ),
    Command(
        "validate",
        "check manifests against the schema and the rules. Needs no state, token or network",
        "read_commands:validate",
        (
            _PATHS,
            _ENV,
            option("--state URL", "a state. Rules about time say nothing of the exams in it"),
            _format("github", "gitlab", "sarif", "junit"),
            _STRICT,
            _NOW,
        ),
        (
            "reconciler validate",
            "reconciler validate --format github",
            "reconciler validate exams/cs101.yaml --strict --format json",
            "reconciler validate --now 2031-10-01T00:00:00Z",
        ),
    ),
    Command(
        "plan",
        "show what apply would do. Needs no token, no secret and no network, and changes nothing",
        "read_commands:plan",
        (
            _PATHS,
            Group("from where, for where", (*_STATE, _API_URL)),
            Group("which exams", (*_SELECTION, _STRICT, _NOW, _SECRETS_COMPARED)),
            Group(
                "output",
                (
                    _PLAN_FORMAT,
                    option("--out FILE", "also write the plan to FILE, as JSON"),
                    _PROVENANCE,
                    option(
                        "--detailed-exitcode",
                        "exit 1 if refused, 3 if in doubt, 2 if anything differs. Refused is a plan "
                        "that apply would refuse",
                    ),
                ),
            ),
        ),
        (
            "reconciler plan",
            "reconciler plan examples/exams.yaml --state file:exams.state.json",
            "reconciler plan --out plan.json --detailed-exitcode",
            "reconciler plan --target 'cs101/*'",
            "reconciler plan --format html > plan.html",
            "reconciler plan --env staging --provenance",
        ),
    ),
    Command(
        "apply",
        "create the missing exams. It never changes or deletes an existing one",
        "apply_command:apply",
        (
            _PATHS,
            Group("from where, for where", (*_STATE, _API_URL)),
            Group(
                "what is approved",
                (
                    option("--auto-approve", "ask nothing. Required without a terminal"),
                    option(
                        "--expect FILE|FINGERPRINT",
                        "apply only what is in this plan. A file of `plan --out`, or a fingerprint",
                    ),
                    *_SELECTION,
                    _STRICT,
                    _ALLOW_OLDER_STATE,
                ),
            ),
            Group(
                "token and secrets",
                (
                    OneOf(
                        (
                            option(
                                "--token-file FILE",
                                "the API token is in FILE. Default: $SMARTERPROCTORING_TOKEN",
                            ),
                            option(
                                "--token-command COMMAND",
                                "COMMAND prints the API token. It is run without a shell",
                                type=command_line,
                            ),
                        ),
                        is_required=False,
                    ),
                    option("--secrets-dir DIR", "the directory of fromFile secrets"),
                    option(
                        "--allow-plain-http",
                        "send the token to other machines without TLS. For test servers only",
                    ),
                ),
            ),
            Group(
                "sending",
                (
                    option(
                        "--parallelism N",
                        "creates in flight, at most (default: 10)",
                        type=parallelism,
                        default=10,
                    ),
                    _LOCK_TIMEOUT,
                    option(
                        "--timeout DURATION",
                        "how long to wait for an answer (default: 30s). Without one, the exam is in doubt",
                        type=positive_duration_s,
                        default=30.0,
                    ),
                    option(
                        "--retry-timeout DURATION",
                        "how long to wait between retries (default: 5m). It counts while nothing is created",
                        type=duration_s,
                        default=300.0,
                    ),
                    option(
                        "--recovery-dir DIR",
                        "keep outcomes in DIR until the state has them. Default: .reconciler/recovery",
                    ),
                ),
            ),
            Group(
                "output",
                (
                    _format("jsonl"),
                    option("--out FILE", "also write the report to FILE, as JSON"),
                    option("--summary FILE", "also write the report to FILE, as Markdown"),
                    option(
                        "--log-format FORMAT",
                        "log on standard error: text (default) or json",
                        choices=TEXT_OR_JSON,
                        default="text",
                    ),
                ),
            ),
        ),
        (
            "reconciler apply",
            "reconciler apply --auto-approve --expect plan.json",
            "reconciler apply examples/exams.yaml --api-url http://127.0.0.1:8400",
        ),
    ),
    Command(
        "show",
        "show a saved plan, or the state",
        "read_commands:show",
        (
            option("file FILE", "a plan that `plan --out` wrote", nargs="?"),
            *_STATE,
            _PLAN_FORMAT,
            _PROVENANCE,
        ),
        (
            "reconciler show plan.json",
            "reconciler show plan.json --format markdown",
            "reconciler show --format json",
            "reconciler show --format csv > exams.csv",
        ),
    ),
    Command(
        "state",
        "inspect and repair state",
        below=(
            Command(
                "list",
                "list the exams in state",
                "read_commands:list_state",
                (
                    option("glob GLOB", "only exams at this address or glob of addresses", nargs="?"),
                    option("--in-doubt", "only exams in doubt"),
                    *_STATE,
                    _format("csv", "markdown"),
                ),
                (
                    "reconciler state list 'cs101/*'",
                    "reconciler state list --in-doubt --format csv > doubts.csv",
                ),
            ),
            Command(
                "show",
                "show one exam in state, field by field",
                "read_commands:show_entry",
                (_ADDRESS, *_STATE, _format()),
                ("reconciler state show cs101/midterm-1",),
            ),
            Command(
                "mv",
                "change the address of an exam in state",
                "edit_commands:move",
                (
                    option("source FROM", "its current address"),
                    option("target TO", "its new address, which must be free"),
                    *_EDITING,
                ),
                ("reconciler state mv cs101/midterm cs101/midterm-1",),
            ),
            Command(
                "rm",
                "remove an exam from state. The exam itself stays in the service",
                "edit_commands:remove",
                (_ADDRESS, *_EDITING),
                ("reconciler state rm cs101/midterm-1",),
            ),
            Command(
                "pull",
                "print the state as JSON, including its log",
                "read_commands:pull",
                (option("--file FILE", "instead, decrypt and print this copy or backup of a state"), *_STATE),
                ("reconciler state pull > copy.json",),
            ),
            Command(
                "push",
                "replace the state with a document of the same lineage and a later serial",
                "edit_commands:push",
                (option("file FILE", "the edited output of `state pull`"), _FORGET, *_EDITING),
                ("reconciler state push copy.json", "reconciler state push copy.json --forget 3"),
            ),
            Command(
                "restore",
                "put an older state back. Exams, doubts and resolutions since then stay",
                "edit_commands:restore",
                (
                    option(
                        "source FILE|COMMIT",
                        "a copy of the state, or a version of its store. Default: the backup",
                        nargs="?",
                    ),
                    _FORGET,
                    *_EDITING,
                ),
                (
                    "reconciler state restore",
                    "reconciler state restore copy.json",
                    "reconciler state restore 4f1d2c9 --forget 3",
                ),
            ),
            Command(
                "recover",
                "record outcomes that a run kept on its machine. It does so if the state's store fails",
                "edit_commands:recover",
                (option("file FILE", "the recovery file that `apply` named"), _format(), *_EDITING),
                ("reconciler state recover .reconciler/recovery/5f0c6f0e9f5b4f7c8d3a2b1c0d9e8f7a.recovery",),
            ),
            Command(
                "rebind",
                "record that the exams in state are at another service, or at a new address of it",
                "edit_commands:rebind",
                (option("--api-url URL", "base URL of the service", required=True), *_EDITING),
                ("reconciler state rebind --api-url https://api.example.edu",),
            ),
            Command(
                "encrypt",
                "encrypt the state with the key in $RECONCILER_STATE_KEY, or again with a new key",
                "edit_commands:encrypt",
                _EDITING,
                ("reconciler state encrypt",),
            ),
            Command(
                "decrypt",
                "store the state as plain text from now on",
                "edit_commands:decrypt",
                _EDITING,
                ("reconciler state decrypt",),
            ),
        ),
    ),
    Command(
        "import",
        "adopt an existing exam: record it in state. As declared or, if it was in doubt, as sent",
        "edit_commands:adopt",
        (
            option("address ADDRESS", "the address at which it is declared"),
            option("sid SID", "the exam's SID: EX and 32 hexadecimal digits"),
            _PATHS,
            *_EDITING,
        ),
        ("reconciler import cs101/final EX1234567890abcdef1234567890abcdef",),
    ),
    Command(
        "resolve",
        "settle exams in doubt, once a person knows if they exist",
        "edit_commands:resolve",
        (
            option("address ADDRESS", "the address in doubt. Not with --from", nargs="?"),
            OneOf(
                (
                    option("--sid SID", "the exam exists and has this SID"),
                    option("--absent", "the exam does not exist: the next apply creates it"),
                    option(
                        "--from FILE",
                        "settle all that this CSV sheet answers. It is that of `state list --in-doubt`; if a "
                        "line is wrong, nothing is settled; - is standard input",
                        dest="sheet",
                    ),
                ),
                is_required=True,
            ),
            option("--attempt ID", "refuse unless this attempt is the one in doubt"),
            *_EDITING,
        ),
        (
            "reconciler resolve cs101/final --sid EX1234567890abcdef1234567890abcdef",
            "reconciler resolve cs101/final --absent",
            "reconciler resolve --from doubts.csv",
        ),
    ),
    Command(
        "accept",
        "record that exams were changed by hand. They are now as declared",
        "edit_commands:accept",
        (
            option("addresses ADDRESS", "the addresses of the exams", nargs="+"),
            option("--reason TEXT", "why they were changed. State keeps it"),
            option(
                "--manifest PATH",
                "manifests that declare them: file, directory or glob. Default: as for plan; may be repeated",
                dest="paths",
                action="append",
                default=[],
            ),
            _SECRETS_COMPARED,
            *_EDITING,
        ),
        (
            "reconciler accept cs101/midterm-1",
            'reconciler accept cs101/midterm-1 cs101/final --reason "the dean moved both"',
        ),
    ),
    Command(
        "unlock",
        "show who holds the lock of the state, or break it",
        "edit_commands:unlock",
        (
            option("lock_id LOCK_ID", "break this lock. `reconciler unlock` shows its id", nargs="?"),
            option("--force", "break it even if its holder is known to be alive"),
            *_STATE,
        ),
        ("reconciler unlock", "reconciler unlock 5f0c6f0e9f5b4f7c8d3a2b1c0d9e8f7a"),
    ),
    Command(
        "draft",
        "write a manifest from a table or an export of Canvas. It never touches state",
        "table_commands:draft",
        (
            option("--from FILE", f"{_TABLE}. - is standard input", dest="table", required=True),
            *_TABLE_READING,
            option("--out FILE", "write the manifest to a new FILE (default: standard output)"),
            option(
                "--secrets-out FILE",
                "write access codes to a new FILE for you alone. Its lines are NAME='value', for a shell",
            ),
        ),
        (
            "reconciler draft --from finals.csv --out exams/finals.yaml",
            "reconciler draft --from finals.xlsx --secrets-out ~/finals.env --out exams/finals.yaml",
            "reconciler draft --from finals.csv --dates mdy --map columns.yaml",
        ),
    ),
    Command(
        "check",
        "compare what is declared with a table of exams. Exit 1 if anything differs",
        "table_commands:check",
        (
            _PATHS,
            option("--against FILE", f"{_TABLE}. - is standard input", dest="table", required=True),
            *_TABLE_READING,
            _ENV,
            _format(),
        ),
        (
            "reconciler check --against finals.csv",
            "reconciler check exams/cs101.yaml --against quizzes.json --format json",
        ),
    ),
    Command(
        "rollover",
        "write next term's manifests from this term's. Never over a file, and never state",
        "rollover_command:rollover",
        (
            option("--from TERM", "the term of the manifests", dest="old", required=True),
            option("--to TERM", "the term to write manifests for", dest="new", required=True),
            option("--dry-run", "write nothing; show how the new files differ"),
            option("paths PATH", "manifests of the term: files, directories or globs", nargs="+"),
            _ENV,
        ),
        (
            "reconciler rollover --from 2031fa --to 2032sp exams/2031fa",
            "reconciler rollover --from 2031fa --to 2032sp --dry-run exams/2031fa/cs101.yaml",
        ),
    ),
    Command(
        "explain",
        "explain a field, a rule, or a word of an output. Without a name, list them all",
        "tool_commands:explain",
        (
            option(
                "topic NAME",
                "a field, a word, a code, an action, an outcome or an exit code",
                nargs="?",
            ),
            _format("markdown"),
        ),
        (
            "reconciler explain short-notice",
            "reconciler explain configuration.duration",
            "reconciler explain in-doubt",
            "reconciler explain 3 --format json",
        ),
    ),
    Command(
        "schema",
        "print a JSON Schema, for editors and CI",
        "tool_commands:schema",
        (option("name SCHEMA", f"one of: {', '.join(_SCHEMAS)}", choices=_SCHEMAS),),
        ("reconciler schema manifest > manifest.schema.json",),
    ),
    Command(
        "sandbox",
        "run a local stand-in for the service. To try things out and to rehearse outages",
        "tool_commands:sandbox",
        (
            option("--host HOST", "a loopback address (default: 127.0.0.1)", default="127.0.0.1"),
            option("--port PORT", "the port (default: 8400). 0 chooses a free one", type=int, default=8400),
            option("--store FILE", "keep the exams in FILE (default: in memory)"),
            option(
                "--fault SPEC",
                "simulate a fault: see `reconciler explain sandbox`. May be repeated",
                dest="faults",
                action="append",
                default=[],
            ),
        ),
        (
            "reconciler sandbox",
            "reconciler sandbox --store demo.jsonl --fault latency:seconds=0.05",
            "reconciler sandbox --fault drop-after:nth=3 --fault 429:every=10,retry-after=2",
        ),
    ),
    Command(
        "completion",
        "print a completion script for a shell",
        "completion:completion",
        (
            option("shell SHELL", f"one of: {', '.join(_SHELLS)}", choices=_SHELLS),
            option("line LINE", argparse.SUPPRESS, nargs="?"),  # what the script asks about
        ),
        ("reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler",),
    ),
)


PURPOSES: Final = {
    "from declarations to exams": ("init", "validate", "plan", "apply", "show"),
    "exams that exist": ("import", "resolve", "accept", "state", "unlock"),
    "manifests from elsewhere": ("draft", "check", "rollover"),
    "looking up and trying out": ("explain", "schema", "sandbox", "completion"),
}
"""The commands by what they are for, as `reconciler --help` lists them."""


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    return make_parser(COMMANDS, _COMMON, purposes=PURPOSES, alone="greeting:greet")

"""The parsers of the commands that read, plan and send."""

from pathlib import Path

from reconciler.cli.options import (
    APPLY_FORMATS,
    FINDING_FORMATS,
    PLAN_FORMATS,
    TEXT_OR_JSON,
    Commands,
    Parser,
    add_api_url,
    add_command,
    add_format,
    add_lock_timeout,
    add_now,
    add_paths,
    add_scope,
    add_selection,
    add_strict,
    parallelism,
    positive_seconds,
    seconds,
)


def add_validate(commands: Commands) -> None:
    """Add `validate`."""
    add_command(
        commands,
        "validate",
        does="check manifests against the documented schema and the rules; needs no state, token or network",
        handler="reconciler.cli.reading:validate",
        examples=[
            "reconciler validate",
            "reconciler validate --format github",
            "reconciler validate exams/cs101.yaml --strict --format json",
            "reconciler validate --now 2031-10-01T00:00:00Z",
        ],
        fill=_fill_validate,
    )


def _fill_validate(parser: Parser) -> None:
    add_paths(parser)
    parser.add_argument("--env", metavar="NAME", help="the environment of reconciler.yaml to work in")
    add_format(parser, *FINDING_FORMATS)
    add_strict(parser)
    add_now(parser)


def add_plan(commands: Commands) -> None:
    """Add `plan`."""
    add_command(
        commands,
        "plan",
        does="show what apply would do; needs no token, no secret and no network, and changes nothing",
        handler="reconciler.cli.reading:plan",
        examples=[
            "reconciler plan",
            "reconciler plan examples/exams.yaml --state file:exams.state.json",
            "reconciler plan --out plan.json --detailed-exitcode",
            "reconciler plan --target 'cs101/*'",
            "reconciler plan --format html > plan.html",
            "reconciler plan --env staging --provenance",
        ],
        fill=_fill_plan,
    )


def _fill_plan(parser: Parser) -> None:
    add_paths(parser)
    add_scope(parser)
    add_api_url(parser)
    add_format(parser, *PLAN_FORMATS)
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the plan to FILE, as JSON")
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 1 if apply would refuse the plan, 3 if an in-doubt exam blocks, 2 if something differs",
    )
    parser.add_argument(
        "--provenance", action="store_true", help="say of each value which file, line and layer it is from"
    )
    add_selection(parser)
    add_strict(parser)
    add_now(parser)
    parser.add_argument(
        "--secrets-dir",
        metavar="DIR",
        type=Path,
        help="the directory that fromFile secrets are below; read only where $RECONCILER_STATE_KEY is set",
    )


def add_apply(commands: Commands) -> None:
    """Add `apply`."""
    add_command(
        commands,
        "apply",
        does="create the missing exams, and nothing else",
        handler="reconciler.cli.sending:apply",
        examples=[
            "reconciler apply",
            "reconciler apply --auto-approve --expect plan.json",
            "reconciler apply examples/exams.yaml --api-url http://127.0.0.1:8400",
        ],
        fill=_fill_apply,
    )


def _fill_apply(parser: Parser) -> None:
    add_paths(parser)
    add_scope(parser)
    add_api_url(parser)
    add_format(parser, *APPLY_FORMATS)
    parser.add_argument(
        "--auto-approve", action="store_true", help="do not ask; needed where there is no terminal"
    )
    parser.add_argument(
        "--expect",
        metavar="FILE|FINGERPRINT",
        help="go on only if all that would be done was reviewed in this plan",
    )
    add_selection(parser)
    add_strict(parser)
    add_lock_timeout(parser)
    _add_sending(parser)


def _add_sending(parser: Parser) -> None:
    parser.add_argument(
        "--parallelism",
        metavar="N",
        type=parallelism,
        default=10,
        help="most creates in flight (default: 10)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="read the API token from FILE (default: $SMARTERPROCTORING_TOKEN)",
    )
    parser.add_argument(
        "--secrets-dir", metavar="DIR", type=Path, help="the directory that fromFile secrets are below"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive_seconds,
        default=30.0,
        help="how long to wait for an answer before the exam is in doubt (default: 30)",
    )
    parser.add_argument(
        "--retry-timeout",
        metavar="SECONDS",
        type=seconds,
        default=300.0,
        help="how long the run may pause before it tries again, all in all (default: 300)",
    )
    parser.add_argument(
        "--log-format",
        choices=TEXT_OR_JSON,
        default="text",
        help="how to log each attempt and outcome to standard error (default: text)",
    )
    parser.add_argument(
        "--recovery-dir",
        metavar="DIR",
        type=Path,
        help="where outcomes are kept until the state has them (default: .reconciler/recovery)",
    )
    parser.add_argument(
        "--allow-plain-http",
        action="store_true",
        help="send the token without TLS to other machines; for test servers only",
    )


def add_show(commands: Commands) -> None:
    """Add `show`."""
    add_command(
        commands,
        "show",
        does="show a saved plan, or the state",
        handler="reconciler.cli.reading:show",
        examples=[
            "reconciler show plan.json",
            "reconciler show plan.json --format markdown",
            "reconciler show --format json",
        ],
        fill=_fill_show,
    )


def _fill_show(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a plan that `plan --out` wrote")
    add_scope(parser)
    add_format(parser, *PLAN_FORMATS)

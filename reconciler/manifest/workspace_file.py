"""The workspace file `reconciler.yaml`, and the environment that it holds."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct, field

from reconciler import service_url
from reconciler.manifest import paths
from reconciler.manifest.diagnostics import Findings
from reconciler.manifest.exam.dates import report_zone
from reconciler.manifest.loader import ordered
from reconciler.manifest.schema.messages import Place, report_schema_errors
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.suppressions import report_retired
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import TextRange, Value, YamlMapping, YamlSequence
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.errors import UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.rules import RETIRED
from reconciler.model.words import listed, suggestion
from reconciler.rules.registry import ADJUSTABLE, FIXED

FILE: Final = paths.WORKSPACE_FILE
OF_ENVIRONMENT: Final = frozenset({"no-install-sid", "no-timezone", "unknown-alias"})
"""Codes of what manifests seem to lack as long as nobody knows what the environment says."""

_DEFAULT_STATE: Final = "the default"
_START: Final = TextRange(0, 0)
_SEVERITIES: Final = {"error": Severity.ERROR, "warning": Severity.WARNING, "off": None}


class WorkspaceFile(Struct, frozen=True, kw_only=True):
    """What the workspace file says; `manifests` is empty and `max_creates` None where it says nothing.

    `environment_names` are those of all environments, of which `environment` is the one that was chosen.
    """

    manifests: tuple[str, ...] = ()
    environment: Environment = field(default_factory=Environment)
    environment_names: tuple[str, ...] = ()
    max_creates: int | None = None
    rules: Mapping[str, Severity | None] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def load_workspace(
    root: Path, *, environment_name: str | None, rules: Collection[str] = ADJUSTABLE
) -> WorkspaceFile:
    """The workspace at `root`; without a file there, one that says nothing. Raises nothing.

    `rules` are the codes that it may weigh.
    """
    file = root / FILE
    if not paths.is_inside(file, root):
        return WorkspaceFile(diagnostics=(paths.outside(FILE),))
    try:
        data = paths.read_bounded(file)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not file.is_symlink():
            return WorkspaceFile(diagnostics=_without_file(environment_name))
        return WorkspaceFile(diagnostics=(paths.unusable(FILE, error),))
    findings, document = read(FILE, data)
    if document is None:
        return WorkspaceFile(diagnostics=ordered(findings.diagnostics))
    root_value = document.root
    report_schema_errors(check_of("workspace"), root_value, Place(_START, "a workspace"), findings)
    _check_manifests(root_value, findings)
    _check_rules(root_value, rules, findings)
    for value in _mapping(root_value.get("environments")).values():
        report_zone(_mapping(value), findings)
        _check_service(_mapping(value), findings)
    _check_states(root_value, findings)
    if has_errors(findings.diagnostics):
        return WorkspaceFile(diagnostics=ordered(findings.diagnostics))
    environment = _chosen(root_value, environment_name, findings)
    return _workspace(root_value, environment, ordered(findings.diagnostics))


def _workspace(
    root: YamlMapping, environment: Environment, diagnostics: tuple[Diagnostic, ...]
) -> WorkspaceFile:
    """What a right workspace file says."""
    manifests = root.get("manifests")
    most = root.get("maxCreates")
    return WorkspaceFile(
        manifests=tuple(map(str, manifests)) if isinstance(manifests, YamlSequence) else (),
        environment=environment,
        environment_names=tuple(_mapping(root.get("environments"))),
        max_creates=int(most) if isinstance(most, int | float) else None,
        rules={
            code: _SEVERITIES[str(weight)]
            for code, weight in _mapping(root.get("rules")).items()
            if code not in RETIRED
        },
        diagnostics=diagnostics,
    )


def _without_file(environment_name: str | None) -> tuple[Diagnostic, ...]:
    if environment_name is None:
        return ()
    return (
        Diagnostic(
            severity=Severity.ERROR,
            code="unknown-environment",
            message=f"an environment is asked for, and there is no {FILE} that could hold one",
            hint=f"Write `environments:` into {FILE}, or leave out --env.",
        ),
    )


def _check_manifests(root: YamlMapping, findings: Findings) -> None:
    """Note paths that lead out of the workspace by their words; links are followed when files are read."""
    paths = root.get("manifests")
    if not isinstance(paths, YamlSequence):
        return
    for index, path in enumerate(paths):
        if isinstance(path, str) and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
            findings.add(
                "outside-workspace",
                paths.item_at(index),
                f"{findings.echo(path)} does not lead to files of this workspace",
                "Name files below the workspace's directory, relative to it. Others can be named on the "
                "command line.",
            )


def _check_rules(root: YamlMapping, rules: Collection[str], findings: Findings) -> None:
    """Note codes that are no rule: whoever wrote them relies on a check that does not happen."""
    for code, (at, _) in _mapping(root.get("rules")).ranges().items():
        if code in RETIRED:
            report_retired(code, at, findings)
        elif code not in rules:
            advice = "Remove it; `reconciler explain` lists the rules."
            if code in FIXED:
                advice = f"Remove it: apply would refuse what it finds; see `reconciler explain {code}`."
            if "/" in code:
                advice = (
                    "Install the plug-in that has it, or remove it; `reconciler explain` lists the rules."
                )
            findings.add(
                "unknown-rule",
                at,
                f"{findings.echo(code)} is not a rule that can be weighed",
                suggestion(code, rules, advice),
            )


def _check_service(environment: YamlMapping, findings: Findings) -> None:
    """Note a base URL that no plan could go to."""
    url = environment.get("apiUrl")
    if isinstance(url, str):
        try:
            service_url.normalised(url)
        except UrlUnusable as error:
            hint = "Write it as https://HOST, without user, password, query or fragment."
            findings.add("bad-api-url", environment.value_at("apiUrl"), error.message, hint)


def _check_states(root: YamlMapping, findings: Findings) -> None:
    """Warn of environments that would share a state, and so each other's exams."""
    homes: dict[str, str] = {}
    environments = _mapping(root.get("environments"))
    for name, value in environments.items():
        environment = _mapping(value)
        state = environment.get("state", _DEFAULT_STATE)
        first = homes.setdefault(str(state), name)
        if first != name:
            findings.add(
                "shared-state",
                environment.value_at("state") if "state" in environment else environments.key_at(name),
                f"the environments {findings.echo(first)} and {findings.echo(name)} have one state",
                "Give each its own `state:`; as it is, what one has created counts as created in the other.",
                severity=Severity.WARNING,
            )


def _chosen(root: YamlMapping, name: str | None, findings: Findings) -> Environment:
    """The environment called `name`, or the only one; without a choice, an empty one and a finding."""
    environments = _mapping(root.get("environments"))
    if name is None and len(environments) == 1:
        name = next(iter(environments))
    if name is None:
        if environments:
            findings.add(
                "no-environment",
                root.key_at("environments"),
                "which environment is meant is not said",
                f"Choose with --env; there are {listed(environments)}.",
            )
        return Environment()
    if name not in environments:
        findings.add(
            "unknown-environment",
            root.key_at("environments") if "environments" in root else _START,
            f"there is no environment {findings.echo(name)}",
            f"{suggestion(name, environments, '')} There are: {listed(environments) or 'none'}.".lstrip(),
        )
        return Environment()
    return _environment(name, _mapping(environments[name]), findings)


def _environment(name: str, said: YamlMapping, findings: Findings) -> Environment:
    install = _text(said.get("installSid"))
    return Environment(
        name=name,
        api_url=_text(said.get("apiUrl")),
        state_url=_text(said.get("state")),
        install_sid=None if install is None else InstallSid(install),
        timezone=_text(said.get("timezone")),
        courses={alias: CourseSid(str(sid)) for alias, sid in _mapping(said.get("courses")).items()},
        users={alias: str(sid) for alias, sid in _mapping(said.get("users")).items()},
        places={path: findings.position(at) for path, at in _places(said)},
    )


def _places(said: YamlMapping) -> Iterator[tuple[str, TextRange]]:
    """Where each value of an environment is written, by its dotted path."""
    for key, (_, value_at) in said.ranges().items():
        inner = _mapping(said[key])
        yield key, value_at
        yield from ((f"{key}.{name}", at) for name, (_, at) in inner.ranges().items())


def _mapping(value: Value) -> YamlMapping:
    return value if isinstance(value, YamlMapping) else YamlMapping()


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None

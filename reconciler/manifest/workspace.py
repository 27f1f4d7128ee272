"""The workspace file `reconciler.yaml`, and the environment that it holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.manifest import sources
from reconciler.manifest.datetimes import zone_names, zone_of
from reconciler.manifest.findings import Findings
from reconciler.manifest.loading import ordered, read_bounded
from reconciler.manifest.rules.catalogue import CODES
from reconciler.manifest.schema_errors import Place, check_of, report_schema_errors
from reconciler.manifest.words import listed, suggestion
from reconciler.manifest.yaml_documents import parse, read_source
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Sequence, Stretch, Value
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.environment import Environment
from reconciler.model.identities import CourseSid, InstallSid

FILE: Final = "reconciler.yaml"

_START: Final = Stretch(0, 0)
_SEVERITIES: Final = {"error": Severity.ERROR, "warning": Severity.WARNING, "off": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What the workspace file says; `manifests` is empty and `max_creates` None where it says nothing."""

    manifests: tuple[str, ...] = ()
    environment: Environment = field(default_factory=Environment)
    max_creates: int | None = None
    rules: Mapping[str, Severity | None] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def load_workspace(root: Path, *, environment_name: str | None, rules: Collection[str] = CODES) -> Workspace:
    """The workspace at `root`; without a file there, one that says nothing. Raises nothing.

    `rules` are the codes that it may weigh.
    """
    file = root / FILE
    try:
        data = read_bounded(file)
    except FileNotFoundError:
        return Workspace(diagnostics=_without_file(environment_name))
    except OSError as error:
        return Workspace(diagnostics=(sources.unusable(FILE, error),))
    source, findings, is_text = read_source(FILE, data)
    document = parse(source, findings) if is_text else None
    if document is None:
        return Workspace(diagnostics=ordered(findings.diagnostics))
    root_value = document.root
    report_schema_errors(check_of("workspace"), root_value, Place(_START, "a workspace"), findings)
    _check_rules(root_value, rules, findings)
    _check_zones(root_value, findings)
    environment = _chosen(root_value, environment_name, findings)
    diagnostics = ordered(findings.diagnostics)
    if has_errors(diagnostics):
        return Workspace(diagnostics=diagnostics)
    return _workspace(root_value, environment, diagnostics)


def _workspace(root: Marked, environment: Environment, diagnostics: tuple[Diagnostic, ...]) -> Workspace:
    """What a right workspace file says."""
    manifests = root.get("manifests")
    most = root.get("maxCreates")
    return Workspace(
        manifests=tuple(map(str, manifests)) if isinstance(manifests, Sequence) else (),
        environment=environment,
        max_creates=int(most) if isinstance(most, int | float) else None,
        rules={code: _SEVERITIES[str(weight)] for code, weight in _mapping(root.get("rules")).items()},
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


def _check_rules(root: Marked, rules: Collection[str], findings: Findings) -> None:
    """Note codes that are no rule: whoever wrote them relies on a check that does not happen."""
    for code, (at, _) in _mapping(root.get("rules")).stretches().items():
        if code not in rules:
            advice = "Remove it; `reconciler explain` lists the rules."
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


def _check_zones(root: Marked, findings: Findings) -> None:
    for value in _mapping(root.get("environments")).values():
        environment = _mapping(value)
        name = environment.get("timezone")
        if isinstance(name, str) and zone_of(name) is None:
            findings.add(
                "unknown-timezone",
                environment.value_at("timezone"),
                f"{findings.echo(name)} is not the name of a time zone",
                suggestion(name, zone_names(), "Write an IANA name, such as America/New_York."),
            )


def _chosen(root: Marked, name: str | None, findings: Findings) -> Environment:
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
            suggestion(name, environments, f"There are: {listed(environments) or 'none'}."),
        )
        return Environment()
    return _environment(name, _mapping(environments[name]))


def _environment(name: str, said: Marked) -> Environment:
    install = _text(said.get("installSid"))
    return Environment(
        name=name,
        api_url=_text(said.get("apiUrl")),
        state_url=_text(said.get("state")),
        install_sid=None if install is None else InstallSid(install),
        timezone=_text(said.get("timezone")),
        courses={alias: CourseSid(str(sid)) for alias, sid in _mapping(said.get("courses")).items()},
        users={alias: str(sid) for alias, sid in _mapping(said.get("users")).items()},
    )


def _mapping(value: Value) -> Marked:
    return value if isinstance(value, Marked) else Marked()


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None

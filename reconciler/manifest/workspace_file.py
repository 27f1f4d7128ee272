"""Reads the workspace file `reconciler.yaml`, and the chosen environment in it."""

import os
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler import service_url
from reconciler.manifest import paths
from reconciler.manifest.cohorts import cohorts_of
from reconciler.manifest.diagnostics import FileDiagnostics, Severities
from reconciler.manifest.exam.dates import report_zone
from reconciler.manifest.loader import ordered
from reconciler.manifest.schema.messages import NamedRange, report_schema_errors
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.schema.workspace_as_meant import workspace_as_meant
from reconciler.manifest.suppressions import report_retired
from reconciler.manifest.terms import terms_of
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import TextRange, Value, YamlMapping
from reconciler.model.cohorts import MOST_A_DAY
from reconciler.model.commands import command
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Severity, Span, has_errors
from reconciler.model.errors import UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.rules import RETIRED
from reconciler.model.words import listed, suggestion
from reconciler.rules.registry import ADJUSTABLE, FIXED

FILE, OTHER_FILE = paths.WORKSPACE_FILES

_MOST_ENTRIES: Final = 20_000
_DEFAULT_STATE: Final = "the default"
_START: Final = TextRange(0, 0)
_SEVERITIES: Final = {"error": Severity.ERROR, "warning": Severity.WARNING, "off": None}


class WorkspaceFile(Struct, frozen=True, kw_only=True):
    """The contents of the workspace file; fields that it does not set have their defaults.

    `manifests` are those of `environment`, which is the chosen one, or else of the top level; each path has
    its place, as has each course of `cohorts`. `all_paths` are those of the top level and of every
    environment; None if an error hides them.
    """

    manifests: Mapping[str, Span] = field(default_factory=dict)
    all_paths: tuple[str, ...] | None = None
    environment: Environment = field(default_factory=Environment)
    max_creates: int | None = None
    rules: Mapping[str, Severity | None] = field(default_factory=dict)
    cohorts: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    max_exams_a_day: int = MOST_A_DAY
    diagnostics: tuple[Diagnostic, ...] = ()


def load_workspace(
    root: Path, *, environment_name: str | None, rules: Collection[str] = ADJUSTABLE
) -> WorkspaceFile:
    """Return the workspace file of `root`; an empty one if there is no such file.

    `rules` are the codes whose severity it may set.
    """
    names = [name for name in (FILE, OTHER_FILE) if os.path.lexists(root / name)]
    if len(names) != 1:
        found = _two_files() if names else _misnamed(root) or _without_file(environment_name)
        return WorkspaceFile(all_paths=None if names else (), diagnostics=found)
    name, file = names[0], root / names[0]
    if not paths.is_inside(file, root):
        return WorkspaceFile(diagnostics=(paths.outside(name),))
    try:
        data = paths.read_bounded(file)
    except OSError as error:
        return WorkspaceFile(diagnostics=(paths.unusable(name, error),))
    diagnostics, document = read(name, data)
    if document is None:
        return WorkspaceFile(diagnostics=ordered(diagnostics.collected))
    root_value = workspace_as_meant(document.root, diagnostics)
    diagnostics.severities = Severities(rules, _severities(root_value))
    _check_rules(
        root_value, rules, diagnostics
    )  # first: of a rule that is not there, the severity is not told
    report_schema_errors(check_of("workspace"), root_value, NamedRange(_START, "a workspace"), diagnostics)
    _check_manifests(root_value, diagnostics)
    environments = root_value.mapping("environments")
    for name in environments:
        report_zone(environments.mapping(name), diagnostics)
        _check_manifests(environments.mapping(name), diagnostics)
        _check_service(environments.mapping(name), diagnostics)
    _check_states(root_value, diagnostics)
    terms, cohorts = terms_of(root_value, diagnostics), cohorts_of(root_value, diagnostics)
    if has_errors(diagnostics.collected):
        return WorkspaceFile(diagnostics=ordered(diagnostics.collected))
    environment = replace(_chosen(root_value, environment_name, diagnostics), terms=terms)
    return replace(_workspace(root_value, environment, diagnostics), cohorts=cohorts)


def _workspace(root: YamlMapping, environment: Environment, diagnostics: FileDiagnostics) -> WorkspaceFile:
    """Return the contents of a workspace file without errors."""
    most, most_a_day = root.get("maxCreates"), root.get("maxExamsADay")
    environments = root.mapping("environments")
    written = environments.mapping(environment.name or "").sequence("manifests")
    manifests = written or root.sequence("manifests")
    return WorkspaceFile(
        manifests={
            str(path): diagnostics.source.span(manifests.item_at(index))
            for index, path in enumerate(manifests)
        },
        all_paths=tuple(
            str(path)
            for holder in (root, *map(environments.mapping, environments))
            for path in holder.sequence("manifests")
        ),
        environment=environment,
        max_creates=int(most) if isinstance(most, int | float) else None,
        rules=_severities(root),
        max_exams_a_day=int(most_a_day) if isinstance(most_a_day, int | float) else MOST_A_DAY,
        diagnostics=ordered(diagnostics.collected),
    )


def _severities(root: YamlMapping) -> dict[str, Severity | None]:
    """Return the valid entries of `rules`, without those of retired rules."""
    return {
        code: _SEVERITIES[str(severity)]
        for code, severity in root.mapping("rules").items()
        if code not in RETIRED and str(severity) in _SEVERITIES
    }


def _two_files() -> tuple[Diagnostic, ...]:
    return (
        Diagnostic(
            severity=Severity.ERROR,
            code="two-workspace-files",
            message=f"there are two workspace files, {FILE} and {OTHER_FILE}",
            hint="Keep one of the two.",
            span=Span.of_file(OTHER_FILE),
        ),
    )


def _misnamed(root: Path) -> tuple[Diagnostic, ...]:
    """Return a diagnostic about a file that is the workspace file but for the spelling of its name."""
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.is_file())
    except OSError:
        return ()
    alike = [name for name in names if name.casefold().removesuffix(".txt") in paths.WORKSPACE_FILES]
    return tuple(
        Diagnostic(
            severity=Severity.ERROR,
            code="misnamed-workspace-file",
            message=f"{name} is not read: the name of the workspace file is {FILE}",
            hint=f"Rename it to {FILE}, or move it out of the workspace.",
            span=Span.of_file(name),
        )
        for name in alike[:1]
    )


def _without_file(environment_name: str | None) -> tuple[Diagnostic, ...]:
    if environment_name is None:
        return ()
    return (
        Diagnostic(
            severity=Severity.ERROR,
            code="unknown-environment",
            message=f"an environment is chosen, but there is no {FILE} to define it",
            hint=f"Write `environments:` into {FILE}, or leave out --env.",
        ),
    )


def _check_manifests(holder: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report paths that are absolute or have `..`; links are checked when files are read."""
    paths = holder.sequence("manifests")
    for index, path in enumerate(paths):
        if isinstance(path, str) and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
            diagnostics.add(
                "outside-workspace",
                paths.item_at(index),
                f"{diagnostics.echo(path)} does not lead to files of this workspace",
                "Name files below the workspace's directory, relative to it. Others can be named on the "
                "command line.",
            )


def _check_rules(root: YamlMapping, rules: Collection[str], diagnostics: FileDiagnostics) -> None:
    """Report unknown rules: their authors rely on checks that never run."""
    for code, (at, _) in root.mapping("rules").ranges().items():
        if code in RETIRED:
            report_retired(code, at, diagnostics)
        elif code not in rules:
            advice = "Remove it; `reconciler explain` lists the rules."
            if code in FIXED:
                advice = f"Remove it: apply would refuse what it finds; see {command('explain', code)}."
            if "/" in code:
                advice = (
                    "Install the plug-in that has it, or remove it; `reconciler explain` lists the rules."
                )
            diagnostics.add(
                "unknown-rule",
                at,
                f"{diagnostics.echo(code)} is not a rule whose severity can be set",
                suggestion(code, rules, advice),
            )


def _check_service(environment: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report an unusable base URL; the schema reports an empty one."""
    url = environment.get("apiUrl")
    if isinstance(url, str) and url:
        try:
            service_url.normalised(url)
        except UrlUnusable as error:
            hint = "Write it as https://HOST, without user, password, query or fragment."
            diagnostics.add("bad-api-url", environment.value_at("apiUrl"), error.message, hint)


def _check_states(root: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Warn of environments that share a state, and so each other's exams."""
    homes: dict[str, str] = {}
    environments = root.mapping("environments")
    for name in environments:
        environment = environments.mapping(name)
        state = environment.get("state", _DEFAULT_STATE)
        first = homes.setdefault(str(state), name)
        if first != name:
            diagnostics.add(
                "shared-state",
                environment.value_at("state") if "state" in environment else environments.key_at(name),
                f"the environments {diagnostics.echo(first)} and {diagnostics.echo(name)} have one state",
                "Give each its own `state:`; as it is, what one has created counts as created in the other.",
                severity=Severity.WARNING,
            )


def _chosen(root: YamlMapping, name: str | None, diagnostics: FileDiagnostics) -> Environment:
    """Return the environment `name`, or the only one; report a missing choice and return an empty one."""
    environments = root.mapping("environments")
    names = tuple(environments)
    if name is None and len(environments) == 1:
        name = next(iter(environments))
    if name is None:
        if environments:
            diagnostics.add(
                "no-environment",
                root.key_at("environments"),
                "no environment is chosen",
                f"Choose with --env; there are {listed(environments)}.",
            )
        return Environment(names=names)
    if name not in environments:
        diagnostics.add(
            "unknown-environment",
            root.key_at("environments") if "environments" in root else _START,
            f"there is no environment {diagnostics.echo(name)}",
            f"{suggestion(name, environments, '')} There are: {listed(environments) or 'none'}.".lstrip(),
        )
        return Environment(names=names)
    return replace(_environment(name, environments.mapping(name), diagnostics), names=names)


def _environment(name: str, written: YamlMapping, diagnostics: FileDiagnostics) -> Environment:
    install = _text(written.get("installSid"))
    return Environment(
        name=name,
        api_url=_text(written.get("apiUrl")),
        state_url=_text(written.get("state")),
        install_sid=None if install is None else InstallSid(install),
        timezone=_text(written.get("timezone")),
        courses={alias: CourseSid(str(sid)) for alias, sid in written.mapping("courses").items()},
        users={alias: str(sid) for alias, sid in written.mapping("users").items()},
        places={path: diagnostics.position(at) for path, at in _places(written)},
    )


def _places(written: YamlMapping) -> Iterator[tuple[str, TextRange]]:
    """Yield the dotted path and the text range of each value of an environment."""
    for key, (_, value_at) in written.ranges().items():
        inner = written.mapping(key)
        yield key, value_at
        yield from ((f"{key}.{name}", at) for name, (_, at) in inner.ranges().items())


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None

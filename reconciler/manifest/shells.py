"""What a manifest says outside its exams, checked by itself."""

from collections.abc import Iterator

from reconciler.manifest.datetimes import BadDateTime, normalized, zone_of, zone_suggestion
from reconciler.manifest.defaults import PROFILES
from reconciler.manifest.effective import date_places
from reconciler.manifest.findings import Findings
from reconciler.manifest.passwords import report_secret
from reconciler.manifest.schema_errors import Place, report_schema_errors
from reconciler.manifest.schema_verdicts import check_of
from reconciler.manifest.yaml_nodes import Mapping, Stretch
from reconciler.model.identities import Address


def report_shell(root: Mapping, findings: Findings) -> None:
    """Note what is wrong with `root`, but for its exams, which are checked one by one."""
    shell = Mapping()
    for key, (key_at, value_at) in root.stretches().items():
        value = Mapping() if key == "exams" and isinstance(root[key], Mapping) else root[key]
        shell.put(key, value, key_at, value_at)
    report_schema_errors(check_of("manifest"), shell, Place(Stretch(0, 0), "a manifest"), findings)
    report_zone(root, findings)
    for _, partial in partial_exams(root):
        report_zone(partial, findings)
    profiles = root.get(PROFILES)
    for name, profile in profiles.items() if isinstance(profiles, Mapping) else ():
        if isinstance(profile, Mapping) and PROFILES in profile:
            findings.add(
                "nested-profile",
                profile.key_at(PROFILES),
                f"the profile {findings.echo(name)} lists profiles itself",
                "Let the exam list them all, in the order in which they are to win.",
            )


def report_partial_exams(root: Mapping, findings: Findings) -> None:
    """Note what is wrong with defaults and profiles whatever exam uses them; for after the exams.

    By then a finding is known already if an exam was hit by it, and says which.
    """
    for _, partial in partial_exams(root):
        configuration = partial.get("configuration")
        if isinstance(configuration, Mapping):
            report_secret(configuration, None, findings)
        for holder, field in date_places(partial):
            try:
                normalized(str(holder[field]), zone_of("UTC"))
            except BadDateTime as error:
                findings.add(error.code, holder.value_at(field), f"{field}: {error.message}", error.hint)


def report_zone(holder: Mapping, findings: Findings, address: Address | None = None) -> None:
    """Note a `timezone` of `holder` that there is not; `address` is that of an exam that has it."""
    name = holder.get("timezone")
    if isinstance(name, str) and zone_of(name) is None:
        report_unknown_zone(name, holder.value_at("timezone"), findings, address)


def report_unknown_zone(name: str, at: Stretch, findings: Findings, address: Address | None = None) -> None:
    """Note that there is no zone called `name`."""
    findings.add(
        "unknown-timezone",
        at,
        f"{findings.echo(name)} is not the name of a time zone",
        zone_suggestion(name),
        address=address,
    )


def partial_exams(root: Mapping) -> Iterator[tuple[str | None, Mapping]]:
    """The defaults (None) and the profiles (by name) that `root` has."""
    defaults = root.get("defaults")
    if isinstance(defaults, Mapping):
        yield None, defaults
    profiles = root.get(PROFILES)
    for name, profile in profiles.items() if isinstance(profiles, Mapping) else ():
        if isinstance(profile, Mapping):
            yield name, profile

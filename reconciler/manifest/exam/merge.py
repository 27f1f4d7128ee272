"""Merges partial exams (defaults and profiles) into an exam; every value keeps its offsets."""

from collections.abc import Collection, Sequence
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.dates import DATE_FIELDS
from reconciler.manifest.redaction import PASSWORD
from reconciler.manifest.yaml.nodes import Value, YamlMapping, YamlSequence
from reconciler.model.words import listed, suggestion

COURSE_FIELDS: Final = ("course", "courseSid")
CONTACT_FIELDS: Final = ("contactUser", "contactUserSid")
PROFILES: Final = "profiles"
SECTIONS: Final = "sections"
_WHOLE: Final = frozenset({PASSWORD, *DATE_FIELDS})
MAX_PROFILES: Final = 32


def merged(upper: YamlMapping, lower: YamlMapping | None) -> YamlMapping:
    """Return `upper` merged over `lower`: mappings are merged deeply, other values replaced.

    If `upper` names a course, by alias or by SID, neither field of the course is taken from `lower`; the same
    holds for the contact. A password and a relative date are replaced as a whole.
    """
    if not lower:
        return upper
    hidden = [
        field
        for fields in (COURSE_FIELDS, CONTACT_FIELDS)
        if any(field in upper for field in fields)
        for field in fields
    ]
    return _over(upper, lower, hidden)


def _over(upper: YamlMapping, lower: YamlMapping, hidden: Collection[str] = ()) -> YamlMapping:
    """Return `upper` merged over `lower`, without the fields `hidden` of `lower`."""
    result = upper.copy()
    for key, (key_at, value_at) in lower.ranges().items():
        value, base = upper.get(key), lower[key]
        if key not in upper:
            if key not in hidden:
                result.put(key, base, key_at, value_at)
        elif isinstance(value, YamlMapping) and isinstance(base, YamlMapping) and key not in _WHOLE:
            result[key] = _over(value, base)
    return result


class PartialExams:
    """The defaults and profiles for the exams of one file; profiles override defaults.

    `roots` are the base files and the file itself, lowest precedence first. Defaults of all files are merged;
    of several profiles with one name, the last is used.
    """

    def __init__(self, roots: Sequence[YamlMapping]) -> None:
        self.defaults = [
            defaults for root in roots if isinstance(defaults := root.get("defaults"), YamlMapping)
        ]
        self.profiles = {
            name: profile
            for root in roots
            for name, profile in root.mapping(PROFILES).items()
            if isinstance(profile, YamlMapping)
        }
        below: YamlMapping | None = None
        for defaults in self.defaults:
            below = merged(defaults, below)
        self._below: dict[tuple[str, ...], YamlMapping | None] = {(): below}
        """By the profiles of an exam, what the exam is merged over."""

    def below(self, profiles: tuple[str, ...] = ()) -> YamlMapping | None:
        """Return the defaults with `profiles` merged over them, the last on top; None if there are neither.

        Each of `profiles` must exist.
        """
        if profiles not in self._below:
            below = self._below[()]
            for name in profiles:
                below = merged(self.profiles[name], below)
            self._below[profiles] = below
        return self._below[profiles]


def count_nodes(value: Value) -> int:
    """Return the number of values in `value`, itself included."""
    if isinstance(value, YamlMapping):
        return 1 + sum(map(count_nodes, value.values()))
    if isinstance(value, YamlSequence):
        return 1 + sum(map(count_nodes, value))
    return 1


def profiles_of(
    exam: YamlMapping, partial_exams: PartialExams, diagnostics: FileDiagnostics
) -> tuple[str, ...] | None:
    """Return the profiles that `exam`, or else the defaults, list; report unusable ones and return None."""
    holder = exam if PROFILES in exam else partial_exams.below()
    if holder is None or PROFILES not in holder:
        return ()
    written = holder[PROFILES]
    if not isinstance(written, YamlSequence):
        return None
    if len(written) > MAX_PROFILES:
        diagnostics.add(
            "too-large",
            holder.key_at(PROFILES),
            f"more than {MAX_PROFILES} profiles are listed here",
            "Gather what belongs together in one profile.",
        )
        return None
    return _known_profiles(written, partial_exams, diagnostics)


def report_misplaced_sections(holder: YamlMapping, name: str, diagnostics: FileDiagnostics) -> None:
    """Report sections in `holder`, which is no exam and has `name` in messages."""
    if SECTIONS in holder:
        diagnostics.add(
            "misplaced-sections",
            holder.key_at(SECTIONS),
            f"{name} cannot have sections",
            "Write `sections` in an exam.",
        )


def _known_profiles(
    written: YamlSequence, partial_exams: PartialExams, diagnostics: FileDiagnostics
) -> tuple[str, ...] | None:
    names: list[str] = []
    for index, name in enumerate(written):
        if not isinstance(name, str):
            continue
        if name not in partial_exams.profiles:
            known = (
                f"There are: {listed(sorted(partial_exams.profiles))}."
                if partial_exams.profiles
                else "There is none."
            )
            diagnostics.add(
                "unknown-profile",
                written.item_at(index),
                f"no profile is called {diagnostics.echo(name)}",
                suggestion(name, sorted(partial_exams.profiles), f"{known} Define it under `profiles`."),
                cause=name,
            )
        elif name in names:
            diagnostics.add(
                "duplicate-profile",
                written.item_at(index),
                f"the profile {diagnostics.echo(name)} is listed twice",
                "Keep one of the two; of several profiles, the last one wins.",
            )
        else:
            names.append(name)
    return tuple(names) if len(names) == len(written) else None

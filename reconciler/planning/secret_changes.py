"""Changed secrets: which of the values that were sent are known to be others now.

A plan sees comparisons only, never a value or a fingerprint.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.declarations import Declaration
from reconciler.model.plan import FieldDiff, Note
from reconciler.model.secret_fingerprints import STATE_KEY_VARIABLE, SecretComparison, SecretComparisons
from reconciler.model.state import Entry
from reconciler.model.words import first_few
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.differences import path_of

_DOUBTFUL: Final = {
    SecretComparison.UNAVAILABLE: (
        "secrets-not-checked",
        "not checked, as its value is not available here",
        "Set the variables, or give --secrets-dir, to have them compared with what was sent.",
    ),
    SecretComparison.UNTRACKED: (
        "secrets-not-tracked",
        f"not tracked, as it was sent without {STATE_KEY_VARIABLE}",
        "It is unknown whether these have changed since.",
    ),
    SecretComparison.OTHER_KEY: (
        "secrets-under-another-key",
        f"tracked under another {STATE_KEY_VARIABLE} than this one",
        "Use the key of the apply that created these; with this one, changes of these go unnoticed.",
    ),
}


def held_with_secrets(applied: AppliedBlocks) -> tuple[tuple[Declaration, Entry], ...]:
    """Return the declared exams with secrets that state holds, each with its entry, by address."""
    return tuple(
        (exam, applied.entries[address])
        for address, exam in sorted(applied.exams.items())
        if exam.secrets and address in applied.entries
    )


def value_diffs(exam: Declaration, comparisons: SecretComparisons | None) -> Iterator[FieldDiff]:
    """Yield the secrets of `exam` whose value is known to differ from what was sent, as references."""
    seen = (comparisons or {}).get(exam.address, {})
    for use in exam.secrets:
        if seen.get(use.dotted_path) is SecretComparison.DIFFERS:
            reference = use.secret.reference
            yield FieldDiff(path=path_of(use.path), before=reference, after=reference, is_of_value=True)


def secret_notes(exams: Iterable[Declaration], comparisons: SecretComparisons | None) -> Iterator[Note]:
    """Yield a note for each reason why changed secrets may go unseen; `comparisons` is None without a key."""
    if comparisons is None:
        with_secrets = sorted(exam.address for exam in exams if exam.secrets)
        if with_secrets:
            yield Note(
                code="secrets-not-tracked",
                message=f"passwords are not tracked: {STATE_KEY_VARIABLE} is not set",
                hint="Set it for apply and plan to have changed passwords reported; see "
                "`reconciler explain secrets-not-tracked`.",
                source=None,
                addresses=tuple(with_secrets),
            )
        return
    for comparison, (code, claim, hint) in _DOUBTFUL.items():
        concerned = sorted(address for address, seen in comparisons.items() if comparison in seen.values())
        if concerned:
            names = first_few(concerned, between=", ", last=" ")
            yield Note(
                code=code,
                message=f"password {claim}: {names}",
                hint=hint,
                source=None,
                addresses=tuple(concerned),
            )

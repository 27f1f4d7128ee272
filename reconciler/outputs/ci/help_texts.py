"""Help for each code of a diagnostic, one sentence each, for formats that list the checks of a tool.

Rules have pages of their own. Their help is passed in.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Help(Struct, frozen=True, kw_only=True):
    """What a check reports: in a sentence and, for a rule, as Markdown and as the URL of its page."""

    sentence: str
    markdown: str | None = None
    uri: str | None = None


_SENTENCES: Final = {
    "absent-and-imported": "One block says that an exam exists, another says that it was not created.",
    "alias-loop": "A YAML alias refers to itself, or expands without bound.",
    "bad-address": "Invalid address.",
    "bad-api-url": "The `apiUrl` of an environment is not a usable base URL.",
    "bad-date-time": "Invalid date-time.",
    "bad-glob": "A move between globs does not say what goes where.",
    "bad-ignore": "Invalid ignore comment.",
    "bad-merge": "A merge key refers to something that is not a mapping.",
    "bad-secret": "A secret is not written as a valid reference.",
    "distinct-from-itself": "An exam is listed as distinct from itself.",
    "duplicate-address": "Two exams, or two blocks, have the same address.",
    "duplicate-key": "A mapping has the same key twice.",
    "duplicate-profile": "A profile is defined, or listed, twice.",
    "duplicate-sid": "Two addresses adopt the same exam.",
    "empty-document": "A file is empty.",
    "encoding": "A file is not UTF-8, or holds a character that YAML refuses.",
    "extends-cycle": "Files extend each other in a circle.",
    "ignore-without-reason": "An ignore comment gives no reason.",
    "local-time-repeated": "A local time occurs twice, because the clocks change on that day.",
    "local-time-skipped": "A local time does not exist, because the clocks change on that day.",
    "missing-field": "A required field is missing.",
    "move-cycle": "Moves form a circle.",
    "nested-profile": "A profile lists profiles.",
    "no-course": "An exam does not say which course it belongs to.",
    "no-environment": "The workspace has environments, but none was chosen.",
    "no-install-sid": "Neither manifest nor environment says which install the exams belong to.",
    "no-manifest": "A path names no manifest.",
    "no-timezone": "A local time is given without a time zone.",
    "non-string-key": "A key of a mapping is not text.",
    "not-a-base": "A base file holds what only a manifest may hold.",
    "not-a-mapping": "A file does not hold a mapping.",
    "not-a-number": "A number cannot be written as JSON.",
    "not-allowed-value": "A field has a value that is not allowed.",
    "outside-workspace": "A file outside the workspace is named, extended, or linked to.",
    "points-nowhere": "A block names an exam that is not declared.",
    "retired-rule": "A rule that was replaced by another is named.",
    "several-documents": "A file holds more than one YAML document.",
    "shared-state": "Two environments use the same state.",
    "still-declared": "A block treats an exam as gone, but it is still declared.",
    "syntax": "A file is not valid YAML.",
    "tag-refused": "A YAML tag is used; tags are not allowed.",
    "too-deep": "A file is nested too deeply.",
    "too-large": "A file, or what its aliases expand to, is too large.",
    "too-many": "There are more diagnostics than are listed.",
    "two-contacts": "An exam names its contact twice.",
    "two-courses": "An exam names its course twice.",
    "unknown-alias": "A course or user is given by an alias that is not defined.",
    "unknown-anchor": "A YAML alias refers to an anchor that does not exist.",
    "unknown-environment": "The environment that was asked for does not exist.",
    "unknown-field": "Unknown field.",
    "unknown-profile": "A profile is not defined.",
    "unknown-rule": "The workspace sets the severity of a rule that does not exist.",
    "unknown-timezone": "Unknown time zone.",
    "unreadable-file": "A file cannot be read.",
    "wrong-pattern": "A field has a value of the wrong form.",
    "wrong-type": "A field has a value of the wrong type.",
    "wrong-value": "A field has a value that the documented schema refuses.",
}
_UNKNOWN: Final = "A check of this workspace. Its message says what is wrong and what to do."

HELP: Final[Mapping[str, Help]] = {code: Help(sentence=text) for code, text in _SENTENCES.items()}
"""Help for all checks except rules, by code."""


def help_of(code: str, known: Mapping[str, Help] = HELP) -> Help:
    """Return the help for the check `code`; a general sentence for a check of the workspace's own."""
    return known.get(code) or Help(sentence=_UNKNOWN)

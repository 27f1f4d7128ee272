"""What each code of a finding means, in a sentence: the help of formats that list the checks of a tool.

Rules have pages of their own; whoever knows those passes them on, as `Help` with the page's text.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Help(Struct, frozen=True, kw_only=True):
    """What a check finds: in a sentence, as Markdown, and where to read on; None where there is no more."""

    sentence: str
    markdown: str | None = None
    uri: str | None = None


_SENTENCES: Final = {
    "absent-and-imported": "An exam is said to exist, and not to have been created.",
    "alias-loop": "An alias of YAML refers to itself, or expands without bound.",
    "bad-address": "An address has a form that no address has.",
    "bad-api-url": "The `apiUrl` of an environment is no base URL that a plan could go to.",
    "bad-date-time": "A date-time is none.",
    "bad-glob": "A move between globs does not say what goes where.",
    "bad-ignore": "An ignore is not written as one.",
    "bad-merge": "A merge key merges something that is no mapping.",
    "bad-secret": "A secret is not written as a reference that can be resolved.",
    "distinct-from-itself": "An exam is said to be distinct from itself.",
    "duplicate-address": "Two exams, or two blocks, have one address.",
    "duplicate-key": "A mapping has a key twice.",
    "duplicate-profile": "A profile is defined, or listed, twice.",
    "duplicate-sid": "Two addresses adopt the same exam.",
    "empty-document": "A file holds nothing.",
    "encoding": "A file is not UTF-8, or holds a character that YAML refuses.",
    "extends-cycle": "Files extend each other in a circle.",
    "ignore-without-reason": "An ignore does not say why.",
    "local-time-repeated": "A local time is there twice on a day that the clocks change.",
    "local-time-skipped": "A local time is not there on a day that the clocks change.",
    "missing-field": "A field that is required is not there.",
    "move-cycle": "Moves lead back to where they began.",
    "nested-profile": "A profile lists profiles.",
    "no-course": "An exam does not say which course it belongs to.",
    "no-environment": "The workspace has environments, and none was chosen.",
    "no-install-sid": "Neither manifest nor environment says which install the exams belong to.",
    "no-manifest": "A path names no manifest.",
    "no-timezone": "A local time is given, and no zone to read it in.",
    "non-string-key": "A key is not text.",
    "not-a-base": "A file that is extended holds what only a manifest may.",
    "not-a-mapping": "A file does not hold a mapping.",
    "not-a-number": "A number is none that JSON can hold.",
    "not-allowed-value": "A field has a value that is not one of those allowed.",
    "outside-workspace": "A file outside the workspace is named, extended, or linked to.",
    "points-nowhere": "A block names an exam that nothing declares.",
    "retired-rule": "A rule is named that has been replaced by another.",
    "several-documents": "A file holds more than one document.",
    "shared-state": "Two environments keep their exams in one state.",
    "still-declared": "A block treats an exam as gone that is still declared.",
    "syntax": "A file is not YAML.",
    "tag-refused": "A tag of YAML is used; tags are refused.",
    "too-deep": "A file is nested too deeply.",
    "too-large": "A file, or what its aliases expand to, is too large.",
    "too-many": "There is more wrong than is listed.",
    "two-contacts": "An exam names its contact twice.",
    "two-courses": "An exam says twice which course it belongs to.",
    "unknown-alias": "A course or user is called by a name that is not defined.",
    "unknown-anchor": "An alias of YAML refers to an anchor that is not there.",
    "unknown-environment": "The environment that was asked for does not exist.",
    "unknown-field": "A field is not one that is known here.",
    "unknown-profile": "A profile is listed that is not defined.",
    "unknown-rule": "The workspace weighs a rule that does not exist.",
    "unknown-timezone": "A time zone has a name that no zone has.",
    "unreadable-file": "A file cannot be read.",
    "wrong-pattern": "A field has a value of the wrong form.",
    "wrong-type": "A field has a value of the wrong type.",
    "wrong-value": "A field has a value that the documented schema refuses.",
}
_UNKNOWN: Final = "A check of this workspace; the finding says what is wrong, and what to do."

HELP: Final[Mapping[str, Help]] = {code: Help(sentence=text) for code, text in _SENTENCES.items()}
"""By code, every check of the product that is no rule."""


def helps_of(rules: Mapping[str, Help]) -> Mapping[str, Help]:
    """What is known of every check, with what is known of `rules`."""
    return {**HELP, **rules}


def help_of(code: str, known: Mapping[str, Help] = HELP) -> Help:
    """What is known of the check `code`; a plain sentence for one that only a workspace has."""
    return known.get(code) or Help(sentence=_UNKNOWN)

"""What each code of a finding means, in a sentence: the help of formats that list the checks of a tool.

One mapping serves every format. Where a code has a page, put that into its `Help` and the formats show it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """What a check finds: in a sentence, as Markdown, and where to read on; None where there is no more."""

    sentence: str
    markdown: str | None = None
    uri: str | None = None


_SENTENCES: Final = {
    "alias-loop": "An alias of YAML refers to itself, or expands without bound.",
    "bad-address": "An address has a form that no address has.",
    "bad-date-time": "A date-time is none.",
    "bad-merge": "A merge key merges something that is no mapping.",
    "bad-secret": "A secret is not written as a reference that can be resolved.",
    "duplicate-address": "Two exams, or two blocks, have one address.",
    "duplicate-key": "A mapping has a key twice.",
    "duplicate-sid": "Two addresses adopt the same exam.",
    "empty-document": "A file holds nothing.",
    "encoding": "A file is not UTF-8, or holds a character that YAML refuses.",
    "inline-secret": "A password is written out in the manifest.",
    "local-time-repeated": "A local time is there twice on a day that the clocks change.",
    "local-time-skipped": "A local time is not there on a day that the clocks change.",
    "missing-field": "A field that is required is not there.",
    "move-cycle": "Moves lead back to where they began.",
    "no-course": "An exam does not say which course it belongs to.",
    "no-environment": "The workspace has environments, and none was chosen.",
    "no-install-sid": "Neither manifest nor environment says which install the exams belong to.",
    "no-manifest": "A path names no manifest.",
    "no-password": "An Online exam has no password.",
    "no-timezone": "A local time is given, and no zone to read it in.",
    "non-string-key": "A key is not text.",
    "not-a-mapping": "A file does not hold a mapping.",
    "not-a-number": "A number is none that JSON can hold.",
    "not-allowed-value": "A field has a value that is not one of those allowed.",
    "not-declared": "A block refers to an exam that is not declared.",
    "several-documents": "A file holds more than one document.",
    "still-declared": "A block treats an exam as gone that is still declared.",
    "syntax": "A file is not YAML.",
    "tag-refused": "A tag of YAML is used; tags are refused.",
    "too-deep": "A file is nested too deeply.",
    "too-large": "A file, or what its aliases expand to, is too large.",
    "too-many": "There is more wrong than is listed.",
    "two-courses": "An exam says twice which course it belongs to.",
    "unknown-alias": "A course or user is called by a name that is not defined.",
    "unknown-anchor": "An alias of YAML refers to an anchor that is not there.",
    "unknown-environment": "The environment that was asked for does not exist.",
    "unknown-field": "A field is not one that is known here.",
    "unknown-rule": "The workspace weighs a rule that does not exist.",
    "unknown-timezone": "A time zone has a name that no zone has.",
    "unreadable-file": "A file cannot be read.",
    "window-order": "A window closes before it opens.",
    "wrong-pattern": "A field has a value of the wrong form.",
    "wrong-type": "A field has a value of the wrong type.",
    "wrong-value": "A field has a value that the documented schema refuses.",
}
_UNKNOWN: Final = "A check of this workspace; the finding says what is wrong, and what to do."

HELP: Final[Mapping[str, Help]] = {code: Help(sentence=text) for code, text in _SENTENCES.items()}
"""By code, every check that the product has."""


def help_of(code: str, known: Mapping[str, Help] = HELP) -> Help:
    """What is known of the check `code`; a plain sentence for one that only a workspace has."""
    return known.get(code) or Help(sentence=_UNKNOWN)

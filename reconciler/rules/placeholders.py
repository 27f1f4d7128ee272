"""A rule about placeholders: words that were to be filled in, and references that no tool resolves here."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.rules import Context, Exam, Finding, Rule

_HTML: Final = (
    "a|b|br|code|div|em|h[1-6]|hr|i|li|ol|p|pre|small|span|strong|su[bp]|t[dhr]|table|tbody|thead|u|ul"
)
PLACEHOLDER: Final = re.compile(
    rf"\$?\{{\{{[^{{}}]*\}}\}}|\$\{{[^{{}}]*\}}|(?<!\w)<(?!(?:{_HTML})\s*>)(?:[A-Za-z][\w -]*|\.\.\.|…)>"
    r"|\b(?:TODO|TBD|FIXME)\b|\bxxx+\b|\A(?:todo|tbd|fixme)\Z"
)
"""`{{…}}`, `${{…}}`, `${…}`, `<…>` but not an HTML tag, `TODO`, `TBD`, `FIXME` and `xxx`."""
_OF_SECTIONS: Final = re.compile(r"\{(?:section|course|term|address)\}")
_SIGNS: Final = ("{", "<", "todo", "tbd", "fixme", "xxx")
"""Each placeholder has one of these in lower case: a search for them is many times as fast."""
_WITHIN: Final = re.compile("(?<=[{<])[^{}<>]+")
_NOBODY: Final = "Write what it stands for: nothing fills it in, so it would be sent as it is."
_ONLY_OF_SECTIONS: Final = "It is filled in only in an exam with `sections`; here it would be sent as it is."


def _placeholders(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        values = (*exam.payload.values(), *exam.configuration.values())
        texts = [text for text in values if isinstance(text, str)]
        lowered = "\n".join(texts).lower()
        if not any(map(lowered.__contains__, _SIGNS)):
            continue
        for path, part in (((), exam.payload), (("configuration",), exam.configuration)):
            for key, text in part.items():
                if isinstance(text, str) and (found := _found_in(text, exam)) is not None:
                    message = f"{key} holds a placeholder, {found[0]}"
                    yield Finding(exam=exam, path=(*path, key), message=message, hint=found[1])


def _found_in(text: str, exam: Exam) -> tuple[str, str] | None:
    """Return the first placeholder of `text`, as it may be shown, and what to do about it."""
    if (found := PLACEHOLDER.search(text)) is not None:
        return _WITHIN.sub("…", found[0]), _NOBODY
    if exam.section is None and (found := _OF_SECTIONS.search(text)) is not None:
        return found[0], _ONLY_OF_SECTIONS
    return None


RULES: Final = (Rule(code="placeholder", summary="a placeholder that nobody filled in", check=_placeholders),)

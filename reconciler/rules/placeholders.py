"""A rule about placeholders: words that were to be filled in, and references that no tool resolves here."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.rules import Context, Exam, Finding, Rule, short

_HTML: Final = (
    "a|b|br|code|div|em|h[1-6]|hr|i|li|ol|p|pre|small|span|strong|su[bp]|t[dhr]|table|tbody|thead|u|ul"
)
PLACEHOLDER: Final = re.compile(
    rf"\$?\{{\{{[^{{}}]*\}}\}}|\$\{{[^{{}}]*\}}|(?<!\w)<(?!(?:{_HTML})\s*>)(?:[A-Za-z][\w -]*|\.\.\.|…)>"
    r"|\b(?:TODO|TBD|FIXME)\b|\bxxx+\b|\A(?:todo|tbd|fixme)\Z"
)
"""`{{…}}`, `${{…}}`, `${…}`, `<…>` but not an HTML tag, `TODO`, `TBD`, `FIXME` and `xxx`."""
_SIGNS: Final = ("{{", "${", "<", "todo", "tbd", "fixme", "xxx")
"""Each placeholder has one of these in lower case: a search for them is many times as fast."""


def _placeholders(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        texts = dict(_texts(exam))
        joined = "\n".join(texts.values()).lower()
        for path, text in texts.items() if any(sign in joined for sign in _SIGNS) else ():
            if (found := PLACEHOLDER.search(text)) is not None:
                yield Finding(
                    exam=exam,
                    path=path,
                    message=f"{path[-1]} holds a placeholder, '{short(found[0])}'",
                    hint="Write what it stands for: nothing fills it in, so it would be sent as it is.",
                )


def _texts(exam: Exam) -> Iterator[tuple[tuple[str, ...], str]]:
    for start, part in (((), exam.payload), (("configuration",), exam.configuration)):
        for key, text in part.items():
            if isinstance(text, str):
                yield (*start, key), text


RULES: Final = (Rule(code="placeholder", summary="a placeholder that nobody filled in", check=_placeholders),)

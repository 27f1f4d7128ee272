"""Reports syntax errors: the slips behind one, or where the parser stopped."""

import re
from typing import Any, Final

import yaml

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.redaction import PASSWORD_ADVICE, begins_with_secret, printable
from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import indent_of
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.manifest.yaml.slips import Stop, find_slips

_QUOTED: Final = re.compile(r"[\"'].*", re.DOTALL)
_ADVICE: Final = (
    (
        "mapping values are not allowed",
        "a `:` is not allowed here",
        "Quote text with `: ` in it; check indentation.",
    ),
    (
        "could not find expected ':'",
        "a key has no `:`",
        "Write `key: value`; quote text over several lines.",
    ),
    ("did not find expected key", "this does not fit the mapping around it", "Align it with the keys above."),
    ("expected <block end>", "this does not fit the block around it", "Align it with the lines above it."),
    (
        "did not find expected '-' indicator",
        "this does not fit the list around it",
        "Align it with the dashes above.",
    ),
    ("unexpected end of stream", "the text ends within quotes", "Close the quotes."),
    (
        "expected ',' or",
        "a list or mapping in brackets is not closed here",
        "Add the missing `,`, `]` or `}`.",
    ),
    ("escape", "YAML does not know this escape", "Write `\\\\` for a backslash between `\"`, or use `'`."),
    ("undefined tag handle", "tags are not allowed here", "Remove the word that begins with `!`."),
    ("document start", "the text goes on after the document's end", "Indent it like the rest."),
)
"""Parts of the parser's messages, each with a message of ours and a hint."""
_TAB: Final = ("a tab is used where YAML requires spaces", "Indent with spaces.")


def report_syntax(error: yaml.MarkedYAMLError, diagnostics: FileDiagnostics, loader: Any) -> None:
    """Report a syntax error in our own words; those of the parser could quote a secret."""
    source = diagnostics.source
    mark = error.problem_mark or error.context_mark
    if mark is not None and "tag" not in f"{error.problem}":
        slips = list(find_slips(source.lines(), Stop.of(error), loader))
        for slip in slips:
            _report_slip(slip, diagnostics)
        if slips:
            return
    offset = 0 if mark is None else source.offset(mark.line, mark.column)
    problem = f"{error.problem or ''}"
    at = TextRange(offset, min(offset + 1, len(source.text)))
    if source.text[offset : offset + 1] == "\t" or _indented_by_tab(source.text, offset):
        message, hint = _TAB
    else:
        message, hint = next(
            ((said, advice) for part, said, advice in _ADVICE if part in problem),
            (
                _QUOTED.sub("", problem).strip() or "this is not YAML",
                "Mend the line, or quote the text on it.",
            ),
        )
    code = "tag-refused" if "tag" in problem else "syntax"
    diagnostics.add(code, at, message, hint)


def _report_slip(slip: Slip, diagnostics: FileDiagnostics) -> None:
    """Report `slip`, with the line as it should read if that shows no secret."""
    source = diagnostics.source
    at = TextRange(source.offset(slip.index, slip.start), source.offset(slip.index, slip.end))
    written = source.line(slip.index + 1)
    begin = source.offset(slip.index, 0)
    shown = source.excerpt(begin)
    hint = _as_it_should_read(slip) if slip.is_spelt and shown == printable(written) else slip.advice
    if shown != printable(written) and begins_with_secret(written):
        hint = f"{hint} {PASSWORD_ADVICE}"
    if shown and source.excerpt(at.start) is None:  # the key can be shown, but not what is wrong
        at = TextRange(begin + indent_of(shown), begin + len(shown))
    diagnostics.withdraw("unknown-anchor", at)
    diagnostics.add("syntax", at, slip.message, hint)


def _as_it_should_read(slip: Slip) -> str:
    lines = [f"`{printable(line.strip())}`" for line in slip.line.split("\n")]
    return f"Write {' and, on the next line, '.join(lines)}."


def _indented_by_tab(text: str, offset: int) -> bool:
    """Return whether the line at `offset` is indented with a tab."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return "\t" in line and not line.strip()

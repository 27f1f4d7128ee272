"""Parses the bytes of one YAML file into a document and diagnostics."""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics, Severities
from reconciler.manifest.redaction import PASSWORD_ADVICE, begins_with_secret, printable
from reconciler.manifest.source import MAX_SIZE_BYTES, NotText, SourceText, decode
from reconciler.manifest.yaml.comments import Comment, Comments
from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import indent_of
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.manifest.yaml.parser import Stopped, YamlParser
from reconciler.manifest.yaml.slips import Stop, find_slips

IS_FAST: Final = hasattr(yaml, "CSafeLoader")
"""Whether PyYAML was built with libyaml; its parser in Python gives the same events, much slower."""
LOADER: Final[Any] = yaml.CSafeLoader if IS_FAST else yaml.SafeLoader

_START: Final = TextRange(0, 0)
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
_TAB: Final = ("a tab is used where YAML requires spaces", "Indent with spaces.")


class YamlDocument(Struct, frozen=True):
    """The top mapping of a file, and its ignore comments.

    `unused_anchors` are the offsets of scalars that begin with an anchor to which no alias refers. `aliases`
    has the offset of each alias, and the text range of the value that it refers to.
    """

    root: YamlMapping
    comments: tuple[Comment, ...] = ()
    unused_anchors: frozenset[int] = frozenset()
    aliases: Mapping[int, TextRange] = field(default_factory=dict)


def read(
    file: str, data: bytes, severities: Severities | None = None, loader: Any = LOADER
) -> tuple[FileDiagnostics, YamlDocument | None]:
    """Return the diagnostics of `file`, and its document; None if an error makes it unusable."""
    diagnostics = FileDiagnostics(SourceText(file, ""), severities or Severities())
    if len(data) > MAX_SIZE_BYTES:
        limit = MAX_SIZE_BYTES // (1024 * 1024)
        diagnostics.add(
            "too-large", _START, f"this file is larger than {limit} MiB", "Split it; a glob reads them all."
        )
        return diagnostics, None
    try:
        diagnostics.source.text = decode(data)
    except NotText as error:
        diagnostics.source = SourceText(file, error.before, is_text=False)
        end = len(error.before)
        diagnostics.add("encoding", TextRange(end, end), error.message, error.hint)
        return diagnostics, None
    return diagnostics, _parse(diagnostics, loader)


def _parse(diagnostics: FileDiagnostics, loader: Any) -> YamlDocument | None:
    """Return the document; None if an error, which is added to `diagnostics`, makes it unusable."""
    source = diagnostics.source
    if (at := source.refused_character()) is not None:
        source.is_text = False
        diagnostics.add(
            "encoding",
            at,
            f"the character U+{ord(source.text[at.start]):04X} is not allowed here",
            "Remove it; it may have come in by copying, or the file is not text.",
        )
        return None
    comments, parser = Comments(source.text), YamlParser(diagnostics)
    try:
        parsed = parser.parse(comments.watch(loader(source.text).get_event))
    except Stopped:
        return None
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, source, diagnostics, loader)
        return None
    source.is_parsed = True
    if parsed is None:
        diagnostics.add("empty-document", _START, "this file declares nothing", "Begin it with `version: 1`.")
        return None
    root, at = parsed
    if not isinstance(root, YamlMapping):
        what = "null" if root is None else "a list" if isinstance(root, list) else "a single value"
        diagnostics.add(
            "not-a-mapping", at, f"the file holds {what}, not a mapping", "Begin it with `version: 1`."
        )
        return None
    return YamlDocument(root, comments.found(), parser.unused_anchors, parser.aliases)


def _report_syntax(
    error: yaml.MarkedYAMLError, source: SourceText, diagnostics: FileDiagnostics, loader: Any
) -> None:
    """Report a syntax error in our own words; those of the parser could quote a secret."""
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

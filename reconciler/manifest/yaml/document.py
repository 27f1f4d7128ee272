"""Parses the bytes of one YAML file into a document and diagnostics."""

from collections.abc import Mapping
from typing import Any, Final

import yaml
from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics, Severities
from reconciler.manifest.source import MAX_SIZE_BYTES, NotText, SourceText, decode
from reconciler.manifest.yaml.comments import Comment, Comments
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.manifest.yaml.parser import Stopped, YamlParser

IS_FAST: Final = hasattr(yaml, "CSafeLoader")
"""Whether PyYAML was built with libyaml; its parser in Python gives the same events, much slower."""
LOADER: Final[Any] = yaml.CSafeLoader if IS_FAST else yaml.SafeLoader

_START: Final = TextRange(0, 0)


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
        from reconciler.manifest.yaml.syntax_errors import report_syntax  # noqa: PLC0415 - slow to load

        report_syntax(error, diagnostics, loader)
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

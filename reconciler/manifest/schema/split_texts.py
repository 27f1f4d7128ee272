"""Reports texts in braces that a comma ends: YAML takes the words behind it for fields without a value."""

from collections.abc import Collection, Iterator

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.fields import free_text_fields
from reconciler.manifest.redaction import announces_secret
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping


def without_split_texts(
    own: YamlMapping, holder: YamlMapping, known: Collection[str], diagnostics: FileDiagnostics
) -> YamlMapping:
    """Report texts of `holder` that a comma splits; return its `own` fields without the words behind it."""
    bare = set(_bare_words(own, known, diagnostics.source.text))
    if not bare:
        return own
    texts, words, text = dict[str, TextRange](), set[str](), ""
    for name, (at, _) in holder.ranges().items():
        if name not in bare:
            is_text = name in free_text_fields() or name not in known
            text = name if is_text and isinstance(holder[name], str | int) else ""
        elif text:
            words.add(name)
            texts[text] = TextRange(holder.value_at(text).start, at.end)
    for name, at in texts.items():
        _report(name, TextRange(holder.value_at(name).end, at.end), at, diagnostics)
    return own.without(words)


def _bare_words(own: YamlMapping, known: Collection[str], text: str) -> Iterator[str]:
    """Yield the unknown fields of `own` that have neither a colon nor a value."""
    for name, (at, value_at) in own.ranges().items():
        is_bare = own[name] is None and ":" not in text[at.start : max(at.end, value_at.end)]
        if name not in known and is_bare and at.end <= len(text):
            yield name


def _report(name: str, wrong: TextRange, at: TextRange, diagnostics: FileDiagnostics) -> None:
    hint, whole = "Put the whole text in quotes.", diagnostics.source.text[at.start : at.end]
    if announces_secret(name) or name not in free_text_fields():
        diagnostics.hide(at)
    elif whole.isprintable() and not set(whole) & set("\"'\\"):
        hint = f'Put the whole text in quotes: `{name}: "{whole}"`.'
    diagnostics.add("unknown-field", wrong, "in brackets, a comma ends a text", hint)

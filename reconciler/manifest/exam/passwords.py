"""Reads the password of an exam: a reference to a secret, or (with a warning) the value itself."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.unfilled import FILL_IN, UNFILLED_VARIABLE
from reconciler.manifest.redaction import PASSWORD, REFERENCE_KEYS
from reconciler.manifest.yaml.nodes import BROKEN, Value, YamlMapping
from reconciler.model.diagnostics import Severity
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX, EnvSecret, FileSecret, InlineSecret, Secret
from reconciler.rules.placeholders import PLACEHOLDER
from reconciler.rules.registry import INLINE

_VARIABLE: Final = re.compile(rf"{SECRET_VARIABLE_PREFIX}[A-Za-z0-9_]+")
_NAME: Final = re.compile(rf"{SECRET_VARIABLE_PREFIX}[A-Z0-9_]+")
_LIKE_NAME: Final = re.compile(
    r"(?:fromEnv[\s:=]*)?(EXAM[_-]SECRET[_-][A-Z0-9_-]+|exam[_-]secret[_-][a-z0-9_-]+)"
)
_UNSPLIT: Final = re.compile(r"(fromEnv|fromFile)(?:[\s:=].*)?", re.DOTALL)
_OF_A_SHELL: Final = re.compile(r"\$[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|%[A-Z][A-Z0-9_]*%")
_HINT: Final = (
    f"Write `{PASSWORD}: {{fromEnv: {SECRET_VARIABLE_PREFIX}NAME}}`, or `{{fromFile: PATH}}` with a path "
    "below the secrets directory."
)


def secret_of(value: Value) -> Secret | str:
    """Return the secret that `value` describes, or an error message, which never quotes it."""
    if isinstance(value, str) and value:
        return _mistaken(value) or InlineSecret(value)
    if isinstance(value, dict) and len(value) == 1:
        ((form, where),) = value.items()
        if isinstance(where, str) and form in REFERENCE_KEYS:
            return _reference(form, where)
        if where is None and (unsplit := _UNSPLIT.fullmatch(form)) is not None:
            return f"`: ` is missing behind `{unsplit[1]}`"
    return "a password is `fromEnv`, `fromFile`, or text"


def _reference(form: str, where: str) -> Secret | str:
    """Return the secret that a reference describes, or an error message."""
    if where in {FILL_IN, UNFILLED_VARIABLE}:
        return f"{form} is to be filled in"
    if form == "fromFile":
        return FileSecret(where) if _is_below(where) else "the file must be below the secrets directory"
    if _VARIABLE.fullmatch(where):
        return EnvSecret(where)
    return f"the variable's name must begin with {SECRET_VARIABLE_PREFIX}, then letters, digits and '_'"


def _mistaken(text: str) -> str | None:
    """Return an error message for a `text` that stands for a secret and is none; None for any other."""
    if SECRET_VARIABLE_PREFIX in text.upper():
        return "the name of a variable is written as text here, and would be the password itself"
    if _UNSPLIT.fullmatch(text):
        return "a reference is written as text here, and would be the password itself"
    if any(form.fullmatch(text.strip()) for form in (PLACEHOLDER, _OF_A_SHELL)):
        return "a placeholder is written here, which nothing fills in: it would be the password itself"
    return None


def _hint(value: Value) -> str:
    """Return the right form, with the name of the variable if `value` holds it, or one that is like it."""
    texts = list(_texts(value))
    names = (found for text in texts for found in _NAME.findall(text))
    alike = (found[1].upper().replace("-", "_") for text in texts if (found := _LIKE_NAME.fullmatch(text)))
    name = next(alike, next(names, UNFILLED_VARIABLE))
    return _HINT if name == UNFILLED_VARIABLE else f"Write `{PASSWORD}: {{fromEnv: {name}}}`."


def _texts(value: Value) -> Iterator[str]:
    """Yield the keys and texts in `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, YamlMapping):
        yield from value
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


def report_secret(configuration: YamlMapping, diagnostics: FileDiagnostics) -> bool:
    """Report a wrong or inline password in `configuration`; return whether it is usable."""
    value = configuration.get(PASSWORD, BROKEN)
    if value is BROKEN or (isinstance(value, YamlMapping) and BROKEN in value.values()):
        return PASSWORD not in configuration
    secret = secret_of(value)
    if isinstance(secret, str):
        diagnostics.add("bad-secret", configuration.key_at(PASSWORD), secret, _hint(value))
    elif isinstance(secret, InlineSecret):
        diagnostics.add(
            INLINE,
            configuration.key_at(PASSWORD),
            "a password is written out here, where everybody who can read the file can read it",
            _HINT,
            severity=Severity.WARNING,
        )
    return not isinstance(secret, str)


def _is_below(path: str) -> bool:
    """Return whether `path` is relative and stays below its directory; links are not followed."""
    parts = PurePosixPath(path).parts
    clean = path.isprintable() and "\\" not in path
    return clean and bool(parts) and not path.startswith("/") and ".." not in parts

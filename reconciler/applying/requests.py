"""Create requests: declarations with their secrets resolved, and the bodies that are sent for them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, cast

from reconciler.model.declarations import Declaration
from reconciler.model.errors import SecretsUnavailable
from reconciler.model.lookalikes import named
from reconciler.model.payloads import Payload, canonical_bytes
from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret, SecretUse, Unprintable
from reconciler.ports import SecretSource

_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Categories of characters that nobody sees, apart from the space."""
_CURLY: Final = "\u2018-\u201f\u00ab\u00bb\u2039\u203a"
_IN_QUOTES: Final = re.compile(rf"""\s*(?:(["']).+\1|[{_CURLY}].+[{_CURLY}])\s*""", re.DOTALL)
_ASSIGNED: Final = re.compile(r"\s*(?:export\s+)?(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?i:password))\s*[=:]\s*\S")
"""The whole line of a file of variables, in place of its value alone."""
_SET_THEM: Final = "Set the variables, or put the files below --secrets-dir."
_TYPE_AGAIN: Final = "Type the value again: alone, without a name or quotes."


class CreateRequest(Unprintable, frozen=True, kw_only=True):
    """A create that is ready to be sent; `values` are of the declaration's secrets, in their order."""

    declaration: Declaration
    values: tuple[str, ...]

    @property
    def values_by_path(self) -> dict[str, str]:
        """The secret values by dotted path."""
        uses = self.declaration.secrets
        return {use.dotted_path: value for use, value in zip(uses, self.values, strict=True)}

    def body(self) -> bytes:
        """Return the exact JSON body, with secrets. It is not kept, so that it leaves memory soon."""
        payload = self.declaration.payload
        for use, value in zip(self.declaration.secrets, self.values, strict=True):
            payload = _filled(payload, use.path, value)
        return canonical_bytes(payload)


def _filled(payload: Payload, path: Sequence[str], value: str) -> Payload:
    """Return `payload` with `value` at `path`; mappings on the way are copied, all else is shared."""
    key, *rest = path
    return {**payload, key: _filled(cast("Payload", payload[key]), rest, value) if rest else value}


def resolve_secrets(declarations: Sequence[Declaration], source: SecretSource) -> tuple[CreateRequest, ...]:
    """Return a request for each declaration, in order.

    Raises SecretsUnavailable, which names all missing secrets, unless every one has a usable value.
    """
    requests = []
    missing: list[str] = []
    mistaken: list[str] = []
    for declaration in declarations:
        values = []
        for use in declaration.secrets:
            try:
                value = source.value_of(use.secret)
            except LookupError as error:
                missing.append(f"{declaration.address}: {use.dotted_path}: {error.args[0]}")
                continue
            values.append(value)
            if (mistake := _mistake(value)) is not None:
                mistaken.append(f"{declaration.address}: {_name(use)} {mistake}")
        requests.append(CreateRequest(declaration=declaration, values=tuple(values)))
    if missing or mistaken:
        hints = [_SET_THEM] * bool(missing) + [_TYPE_AGAIN] * bool(mistaken) + ["Nothing was sent."]
        raise SecretsUnavailable(
            f"secrets that cannot be used: {len(missing + mistaken)}",
            hint=" ".join(hints),
            references=missing + mistaken,
        )
    return tuple(requests)


def spaced_secrets(requests: Sequence[CreateRequest]) -> Iterator[str]:
    """Yield the names of secrets whose values begin or end with a space."""
    for request in requests:
        for use, value in zip(request.declaration.secrets, request.values, strict=True):
            if value.strip() != value:
                yield f"{request.declaration.address}: {_name(use)}"


def _mistake(value: str) -> str | None:
    """Return why `value` is surely no access code, without a part of it; None if it may be one."""
    if (unseen := _unseen(value)) is not None:
        return f"holds {unseen}"
    if _IN_QUOTES.fullmatch(value):
        return "is in quotes, which would be sent too"
    if _ASSIGNED.match(value):
        return "holds a name and `=` or `:` before the value, which would be sent too"
    return None


def _unseen(value: str) -> str | None:
    """Return what the first character of `value` is that nobody can see and type; None if there is none."""
    if value.isascii() and value.isprintable():
        return None
    found = (char for char in value if char != " " and unicodedata.category(char) in _UNSEEN)
    char = next(found, None)
    if char is None:
        return None
    return f"{named(char, otherwise='line break or control character')}, which nobody can see"


def _name(use: SecretUse) -> str:
    match use.secret:
        case EnvSecret(name=name):
            return name
        case FileSecret(path=path):
            return f"file {path}"
        case InlineSecret():
            return use.dotted_path

"""State URLs and their options, which follow a `#`, as in `#region=eu-west-1`."""

from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from msgspec import Struct

from reconciler.model.errors import UsageError
from reconciler.model.words import nearest
from reconciler.service_url import is_loopback


class StateUrl(Struct, frozen=True, kw_only=True):
    """A state URL in parts. `location` is the URL as shown to users; it holds no credentials."""

    location: str
    parts: SplitResult
    options: Mapping[str, str]

    def is_set(self, option: str, *, otherwise: bool = False) -> bool:
        """Return whether `option` is `true`; `otherwise` is its default.

        Raise UsageError for other values.
        """
        value = self.options.get(option)
        if value not in {None, "true", "false"}:
            raise UsageError(
                f"the option {option} of the state URL is {value!r}",
                hint=f"Write {option}=true or {option}=false, or leave it out.",
            )
        return otherwise if value is None else value == "true"

    def seconds(self, option: str, *, otherwise: float, most: float) -> float:
        """Return the seconds in `option`; `otherwise` is its default.

        Raise UsageError unless 0 < seconds <= most.
        """
        text = self.options.get(option)
        if not text:
            return otherwise
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= most:
            raise UsageError(
                f"the option {option} of the state URL is {text!r}",
                hint=f"Write seconds, at most {most:g}, as in #{option}=30.",
            )
        return seconds

    def refuse_plain_http(self, address: str) -> None:
        """Raise UsageError if `address` is plain http to another machine and `allow-http` is not set."""
        is_allowed, parts = self.is_set("allow-http"), urlsplit(address)
        if parts.scheme == "http" and not (is_allowed or is_loopback(parts.hostname or "")):
            raise UsageError(
                f"{address} is plain http, which anyone on the way can read and change",
                hint="Use https. In a network that you trust, add allow-http=true behind the #.",
            )


def read_scheme(url: str) -> str:
    """Return the scheme of `url`, empty if it has none. Raise UsageError for a malformed URL."""
    try:
        return urlsplit(url).scheme
    except ValueError as error:
        raise _unreadable(error) from error


def read_state_url(url: str, *, options: frozenset[str] = frozenset()) -> StateUrl:
    """Return the parts of `url`. Raise UsageError for an option not in `options` and for a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        given = dict(parse_qsl(parts.fragment, keep_blank_values=True, strict_parsing=bool(parts.fragment)))
    except ValueError as error:
        raise _unreadable(error) from error
    if parts.password is not None:
        raise UsageError(
            "the state URL holds a password",
            hint="Remove it: it would be seen in logs and process lists. "
            "See `reconciler explain stores` for where each store looks for its credentials.",
        )
    for name in given:
        if name not in options:
            raise UsageError(f"the state URL has the unknown option {name!r}", hint=_nearest(name, options))
    return StateUrl(location=url, parts=parts, options=given)


def _unreadable(error: ValueError) -> UsageError:
    return UsageError(
        f"the state URL cannot be read: {error}", hint="See `reconciler explain stores` for its form."
    )


def _nearest(name: str, options: frozenset[str]) -> str:
    if not options:
        return "This kind of store has no options: remove what follows the #."
    near = nearest(name, options)
    return f"Did you mean {' or '.join(near)}?" if near else f"The options are {', '.join(sorted(options))}."

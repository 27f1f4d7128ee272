"""Errors about object stores, which quote nothing of a server's answer but its status and error code.

The driver's message has the request's URL, which may be signed, and the whole answer, which may name an
access key. So it is matched against patterns, and not shown.
"""

import enum
import re
from typing import Final

from reconciler.model.errors import OutcomeUnknown, StateDamaged, StateUnavailable

_STATUS: Final = re.compile(r"status code: (\d{3})\b")
_CODE: Final = re.compile(r"<Code>\s*([A-Za-z]{1,60})\s*</Code>")
_ABSENT_CODES: Final = frozenset({"NoSuchKey", "BlobNotFound"})

_CHECK_URL: Final = "Check the state URL: its bucket, region, endpoint and account."
_LATER: Final = "Nothing that was recorded is lost. Try again in a while; a run that was cut off goes on."
_SEE: Final = "See `reconciler explain stores/object-storage`."
_NO_STORE: Final = "what answered is not an object store, perhaps a proxy or a sign-in page"
_NO_CREDENTIALS: Final = (
    "no credentials were found",
    f"Give them as the cloud's own tools take them, in the environment or by the machine's role. {_SEE}",
)
_BUSY: Final = ("the server refuses calls, as too many or as overloaded", _LATER)


class _Nature(enum.Flag):
    """What else is known of a failed call."""

    LASTING = 0
    """Nothing was changed, and another try would fail too."""
    PASSING = enum.auto()
    """Another try may succeed."""
    UNSURE = enum.auto()
    """If the call was a put, it was perhaps done."""


_LASTING, _PASSING, _UNSURE = _Nature.LASTING, _Nature.PASSING, _Nature.UNSURE

# Pattern in the driver's message, problem, hint, nature. The first match counts.
_CASES: Final[tuple[tuple[str, str, str, _Nature], ...]] = (
    (
        r"<Code>\s*(NoSuchBucket|ContainerNotFound)\b",
        "the bucket or container does not exist",
        "Create it, or correct the state URL; nothing is created in its place.",
        _LASTING,
    ),
    (
        (
            r"<Code>\s*(InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed|ExpiredToken|InvalidToken|"
            r"TokenRefreshRequired|RequestTimeTooSkewed|AuthorizationHeaderMalformed|NoAuthenticationInformation)\b"
            r"|status code: 401\b|source: InvalidAccessKey\b"
        ),
        "its credentials were refused",
        f"Renew or correct the credentials in the environment, and look at the machine's clock. {_SEE}",
        _LASTING,
    ),
    (r"MissingAccessKeyId|MissingSecretAccessKey|MissingCredentials", *_NO_CREDENTIALS, _LASTING),
    (
        (
            r"TokenRequest|CredentialNotFound|latest/(api/token|meta-data)|computeMetadata|metadata/identity"
            r"|oauth2/token"
        ),
        *_NO_CREDENTIALS,
        _PASSING,
    ),
    (
        r"MissingAccount|Account must be specified",
        "the storage account is not given",
        "Write it as in #account=NAME, or set AZURE_STORAGE_ACCOUNT_NAME.",
        _LASTING,
    ),
    (
        r"status code: 403\b",
        "these credentials lack a permission",
        f"Grant them to read, write, list and delete objects below the state's key. {_SEE}",
        _LASTING,
    ),
    (
        r"status code: 413\b|<Code>\s*(EntityTooLarge|RequestBodyTooLarge)\b",
        "the object is larger than the server takes",
        "Nothing was overwritten. Raise the server's limit, or divide the exams among several states.",
        _LASTING,
    ),
    (
        r"status code: 501\b|<Code>\s*NotImplemented\b",
        "the server does not know conditional writes",
        f"State must not be kept there: two runs could overwrite each other. {_SEE}",
        _LASTING,
    ),
    (r"status code: 429\b|<Code>\s*(SlowDown|ServerBusy)\b", *_BUSY, _PASSING),
    (r"status code: 503\b", *_BUSY, _PASSING | _UNSURE),
    (r"status code: 5\d\d\b", "the server failed", _LATER, _PASSING | _UNSURE),
    (
        r"BareRedirect|status code: 3\d\d\b|<Code>\s*IllegalLocationConstraintException\b",
        "the server redirects elsewhere, as it does for a bucket of another region",
        "Redirects are not followed. Give the bucket's region in the state URL, as in #region=eu-west-1.",
        _LASTING,
    ),
    (
        r"InvalidCertificate|UnknownIssuer|[cC]ertificate|HandshakeFailure|InvalidMessage|AlertReceived",
        "no secure connection could be made",
        "Name the authority that signed the server's certificate in SSL_CERT_FILE, and check the endpoint.",
        _LASTING,
    ),
    (
        r"BadScheme",
        "plain http is refused",
        "Use https, or add allow-http=true to the state URL's options if nobody else is on the way there.",
        _LASTING,
    ),
    (r"kind: Timeout|TimedOut|status code: 408\b", "it did not answer in time", _LATER, _PASSING | _UNSURE),
    (r"dns error|failed to lookup", "the server's name cannot be resolved", _CHECK_URL, _PASSING),
    (
        r"MissingEtag|MissingLastModified|InvalidListResponse|[Dd]eserialize|quick_xml|DeError",
        _NO_STORE,
        _CHECK_URL,
        _UNSURE,
    ),
    (r"kind: Connect", "the server cannot be reached", _CHECK_URL, _PASSING),
    (r"kind: (Request|Interrupted)", "the connection broke off", _LATER, _PASSING | _UNSURE),
)


def says_absent(error: FileNotFoundError) -> bool:
    """Return whether the server reports that the object is missing, rather than its bucket."""
    found = _CODE.search(str(error))
    return found is not None and found[1] in _ABSENT_CODES


def failure(location: str, doing: str, error: Exception) -> StateUnavailable:
    """Return the error to raise for the driver's `error` in an attempt to `doing` the state.

    It is OutcomeUnknown for "write" if the put was perhaps done.
    """
    problem, hint, nature = explained(error)
    return _unavailable(location, doing, problem, hint, nature)


def no_store(location: str, doing: str) -> StateUnavailable:
    """Return the error for a successful answer that cannot be from an object store."""
    return _unavailable(location, doing, _NO_STORE, _CHECK_URL, _UNSURE)


def _unavailable(location: str, doing: str, problem: str, hint: str, nature: _Nature) -> StateUnavailable:
    kind = OutcomeUnknown if doing == "write" and _UNSURE in nature else StateUnavailable
    message = f"cannot {doing} {location}: {problem}"
    return kind(message, hint=hint, retry_after_s=0.0 if _PASSING in nature else None)


def part_missing(location: str, folder: str) -> StateDamaged:
    """Return the error for a log of which an object is missing in `folder`."""
    return StateDamaged(
        f"a part of the log of {location} is missing",
        hint=f"Nothing was changed. Put back what was removed below {folder}, for example from the bucket's "
        "older versions: it holds what the state does not have yet.",
    )


def log_unnamed(location: str, folder: str) -> StateDamaged:
    """Return the error for a log in `folder` that no state names, as the state was removed or overwritten."""
    return StateDamaged(
        f"{location} was removed or overwritten by hand; the log of the last run is still below {folder}",
        hint="Nothing was changed. The log holds what the state does not have yet. Put back the object from "
        "the bucket's older versions, or run `reconciler state restore`.",
    )


def explained(error: Exception) -> tuple[str, str, _Nature]:
    """Return the problem behind the driver's `error`, a hint, and what else is known."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror, _LATER, _PASSING | _UNSURE
    text = str(error)
    for pattern, problem, hint, nature in _CASES:
        if re.search(pattern, text):
            return problem, hint, nature
    status, code = _STATUS.search(text), _CODE.search(text)
    signs = " ".join(found[1] for found in (status, code) if found is not None)
    problem = f"the call failed with {signs}" if signs else "the call failed"
    return problem, f"{_CHECK_URL} {_SEE}", _UNSURE if status is None else _LASTING

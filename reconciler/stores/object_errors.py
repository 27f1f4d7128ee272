"""Errors about object stores, which quote nothing of a server's answer but its status and error code.

The driver's message has the request's URL, which may be signed, and the whole answer, which may name an
access key. So it is matched against patterns, and not shown.
"""

import re
from typing import Final

from reconciler.model.errors import StateUnavailable

_STATUS: Final = re.compile(r"status code: (\d{3})\b")
_CODE: Final = re.compile(r"<Code>\s*([A-Za-z]{1,60})\s*</Code>")
_ABSENT_CODES: Final = frozenset({"NoSuchKey", "BlobNotFound"})

_CHECK_URL: Final = "Check the state URL: its bucket, region, endpoint and account."
_LATER: Final = "Nothing that was recorded is lost. Try again in a while; a run that was cut off goes on."
_SEE: Final = "See docs/backends/object-storage.md."


# Pattern in the driver's message, problem, hint. The first match counts.
_CASES: Final[tuple[tuple[str, str, str], ...]] = (
    (
        r"<Code>\s*(NoSuchBucket|ContainerNotFound)\b",
        "the bucket or container does not exist",
        "Create it, or correct the state URL; nothing is created in its place.",
    ),
    (
        (
            r"<Code>\s*(InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed|ExpiredToken|InvalidToken|"
            r"TokenRefreshRequired|RequestTimeTooSkewed|AuthorizationHeaderMalformed|NoAuthenticationInformation)\b"
            r"|status code: 401\b|source: InvalidAccessKey\b"
        ),
        "its credentials were refused",
        f"Renew or correct the credentials in the environment, and look at the machine's clock. {_SEE}",
    ),
    (
        (
            r"MissingAccessKeyId|MissingSecretAccessKey|MissingCredentials|TokenRequest|CredentialNotFound"
            r"|latest/(api/token|meta-data)|computeMetadata|metadata/identity|oauth2/token"
        ),
        "no credentials were found",
        f"Give them as the cloud's own tools take them, in the environment or by the machine's role. {_SEE}",
    ),
    (
        r"MissingAccount|Account must be specified",
        "the storage account is not given",
        "Write it as in #account=NAME, or set AZURE_STORAGE_ACCOUNT_NAME.",
    ),
    (
        r"status code: 403\b",
        "these credentials lack a permission",
        f"Grant them to read, write, list and delete objects below the state's key. {_SEE}",
    ),
    (
        r"status code: 413\b|<Code>\s*(EntityTooLarge|RequestBodyTooLarge)\b",
        "the object is larger than the server takes",
        "Nothing was overwritten. Raise the server's limit, or divide the exams among several states.",
    ),
    (
        r"status code: 501\b|<Code>\s*NotImplemented\b",
        "the server does not know conditional writes",
        f"State must not be kept there: two runs could overwrite each other. {_SEE}",
    ),
    (
        r"status code: (429|503)\b|<Code>\s*(SlowDown|ServerBusy)\b",
        "the server has been refusing calls for too long, as too many or as overloaded",
        _LATER,
    ),
    (r"status code: 5\d\d\b", "the server failed", _LATER),
    (
        r"BareRedirect|status code: 3\d\d\b|<Code>\s*IllegalLocationConstraintException\b",
        "the server redirects elsewhere, as it does for a bucket of another region",
        "Redirects are not followed. Give the bucket's region in the state URL, as in #region=eu-west-1.",
    ),
    (
        r"InvalidCertificate|UnknownIssuer|[cC]ertificate|HandshakeFailure|InvalidMessage|AlertReceived",
        "no secure connection could be made",
        "Name the authority that signed the server's certificate in SSL_CERT_FILE, and check the endpoint.",
    ),
    (
        r"BadScheme",
        "plain http is refused",
        "Use https, or add allow-http=true to the state URL's options if nobody else is on the way there.",
    ),
    (r"kind: Timeout|TimedOut", "it did not answer in time", _LATER),
    (r"dns error|failed to lookup", "the server's name cannot be resolved", _CHECK_URL),
    (
        r"MissingEtag|MissingLastModified|InvalidListResponse|[Dd]eserialize|quick_xml|DeError",
        "what answered is not an object store, perhaps a proxy or a sign-in page",
        _CHECK_URL,
    ),
    (r"kind: Connect", "the server cannot be reached", _CHECK_URL),
    (r"kind: (Request|Interrupted)", "the connection broke off", _LATER),
)


class OutcomeUnknown(StateUnavailable):
    """A write failed, but may have been done, or may still be done later."""


def says_absent(error: FileNotFoundError) -> bool:
    """Return whether the server reports that the object is missing, rather than its bucket."""
    found = _CODE.search(str(error))
    return found is not None and found[1] in _ABSENT_CODES


def failure(location: str, doing: str, error: Exception) -> StateUnavailable:
    """Return the error to raise for the driver's `error` in an attempt to `doing` the state."""
    problem, hint = explained(error)
    return StateUnavailable(f"cannot {doing} {location}: {problem}", hint=hint, location=location)


def outcome_unknown(failed: StateUnavailable) -> OutcomeUnknown:
    """Return `failed` as the error of a write that may have been done."""
    return OutcomeUnknown(failed.message, hint=failed.hint, location=failed.location)


def no_store(location: str, doing: str) -> StateUnavailable:
    """Return the error for a successful answer that cannot be from an object store."""
    return StateUnavailable(
        f"cannot {doing} {location}: what answered is not an object store, perhaps a proxy or a sign-in page",
        hint=_CHECK_URL,
        location=location,
    )


def foreign(location: str, key: str) -> StateUnavailable:
    """Return the error for an object under one of our keys that we did not write."""
    return StateUnavailable(
        f"the object {key} beside {location} was not written by reconciler",
        hint="Nothing was changed. Look at it, and move it away if it is in the way.",
        location=location,
    )


def part_missing(location: str, folder: str) -> StateUnavailable:
    """Return the error for a segment that is missing before later ones."""
    return StateUnavailable(
        f"a part of the journal of {location} is missing, or it changes while it is read",
        hint=f"Nothing was changed. Put back what was removed below {folder}, for example from the bucket's "
        "older versions: it holds what state does not have yet.",
        location=location,
    )


def explained(error: Exception) -> tuple[str, str]:
    """Return the problem behind the driver's `error`, and a hint."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror, _LATER
    text = str(error)
    for pattern, problem, hint in _CASES:
        if re.search(pattern, text):
            return problem, hint
    return f"the call failed{_signs(text)}", f"{_CHECK_URL} {_SEE}"


def _signs(text: str) -> str:
    status, code = _STATUS.search(text), _CODE.search(text)
    signs = [found[1] for found in (status, code) if found is not None]
    return f" with {' '.join(signs)}" if signs else ""

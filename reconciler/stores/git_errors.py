"""Errors for failed git commands: git's message, the state's URL, and what to do."""

import re
from typing import Final

from reconciler.model.errors import StateUnavailable
from reconciler.model.outside_text import tamed
from reconciler.stores.git_urls import GitPlace

_MOST_LINES: Final = 12
_LONGEST: Final = 1_000
_CREDENTIALS: Final = re.compile(r"(?<=//)[^/@\s]+@")
_CHATTER: Final = re.compile(
    r"To .*|Done|hint: .*|warning: .*|error: failed to push some refs to .*|Everything up-to-date"
    r"|(?:remote:)?|fatal: Could not read from remote repository\."
    r"|Please make sure you have the correct access rights|and the repository exists\."
)

_NOTHING_LOST: Final = "Nothing was overwritten, and nothing that was recorded is lost."
_RIGHTS: Final = (
    "Check the address, and that who runs this may read the repository, and push to it to write. git takes "
    "credentials from its credential helpers or ssh's agent and keys: see `reconciler explain stores/git`."
)
_REMEDIES: Final = {
    r"git is not installed|unknown option|usage: git": "Install git 2.30 or newer.",
    r"define a hook": (
        "Remove it there (`git config --unset`), or reach the repository by git+ssh or git+https, where "
        "hooks are its server's affair."
    ),
    r"dubious ownership": (
        "The repository belongs to another user. If you trust it: "
        "`git config --global --add safe.directory PATH`."
    ),
    r"Host key verification failed": "Add the server's key to ~/.ssh/known_hosts, from a source you trust.",
    r"certificate|SSL|TLS|gnutls": (
        "The server's identity could not be checked. If it has a certificate of your own authority, name "
        "that in git's http.sslCAInfo or in GIT_SSL_CAINFO."
    ),
    r"file size limit|too large|pack exceeds|larger than|error: 413": (
        "The state is larger than the server takes. See “Limits” in `reconciler explain stores/git`."
    ),
    r"protected branch|GH006|GH013|hook declined|not allowed to push|prohibited|rule violations": (
        "The server's rules do not let this run push there. Exempt it from the rules of that branch, and "
        "ask for neither signed commits nor pull requests there. See `reconciler explain stores/git`."
    ),
    r"transport .* not allowed": (
        "A setting of git's leads elsewhere by another protocol (`url.….insteadOf`). Take it out, or write "
        "the address that is meant."
    ),
    r"mismatched algorithms|object format": "Repositories with SHA-256 ids are not supported.",
    r"Could not resolve host|Failed to connect|refused|unreachable|timed out|gave no answer": (
        "Check the address and the network, proxies included; then try again."
    ),
    r"error: (?:429|5\d\d)|early EOF|hung up|RPC failed|Connection (?:reset|closed)|unexpected disconnect": (
        "The server is busy or was cut off. Try again a little later."
    ),
    r"No space left|File too large|quota": "Make room in the folder for temporary files (TMPDIR).",
}
"""Hint for each pattern in git's message; the first match counts."""
_PASSING: Final = re.compile(
    r"error: (?:429|500|502|503|504)|early EOF|hung up unexpectedly|RPC failed"
    r"|Connection (?:reset|closed|refused)|Failed to connect|unexpected disconnect|Empty reply|Broken pipe"
    r"|failed to update ref|cannot lock ref|Temporary failure in name resolution|Connection timed out"
    r"|kex_exchange_identification"
)
"""Messages after which another try may succeed."""


def reason_of(said: str, *, code: int) -> str:
    """Return the important part of git's output `said`, on one line and without credentials."""
    lines = [shown for line in re.split(r"[\r\n]", said) if not _CHATTER.fullmatch(shown := _harmless(line))]
    shown = "; ".join(line.removeprefix("fatal: ") for line in lines[:_MOST_LINES])[:_LONGEST]
    return shown or f"git ended with exit code {code}"


def reason_in(error: OSError) -> str:
    """Return the operating system's message."""
    if isinstance(error, FileNotFoundError) and error.filename == "git":
        return "git is not installed"
    return _harmless(error.strerror or str(error))


def unavailable(
    place: GitPlace, verb: str, reason: str, *, kind: type[StateUnavailable] = StateUnavailable
) -> StateUnavailable:
    """Return the error for a failed attempt to `verb` the state, with a hint that fits `reason`."""
    remedy = next((remedy for pattern, remedy in _REMEDIES.items() if re.search(pattern, reason)), _RIGHTS)
    return kind(
        f"cannot {verb} {place.location}: {reason}",
        hint=f"{remedy} {_NOTHING_LOST}",
        retry_after_s=0.0 if _PASSING.search(reason) else None,
    )


def foreign(place: GitPlace, why: str) -> StateUnavailable:
    """Return the error for a branch with files that are not of this state."""
    return StateUnavailable(
        f"the branch {place.branch_name} of {place.location} is not the branch of this state: {why}",
        hint="A state has a branch of its own, with nothing else in it. Name another with #branch=NAME, or "
        f"the state's file with #path=NAME. {_NOTHING_LOST}",
    )


def _harmless(text: str) -> str:
    return _CREDENTIALS.sub("", tamed(text, most=_LONGEST))

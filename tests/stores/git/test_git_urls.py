"""State URLs that name a branch: what git is given, and what never reaches it."""

import pytest

from reconciler.model.errors import UsageError
from reconciler.stores.git_urls import read_git_url
from reconciler.stores.opening import open_store


@pytest.mark.parametrize(
    ("url", "address", "protocols"),
    [
        ("git+file:///srv/git/exams.git", "/srv/git/exams.git", "file"),
        ("git+file://localhost/srv/a%20b.git", "/srv/a b.git", "file"),
        ("git+file:exams.git", "/root/exams.git", "file"),
        ("git+ssh://git@host/team/exams.git", "ssh://git@host/team/exams.git", "https:ssh"),
        ("git+ssh://host:2222/exams.git", "ssh://host:2222/exams.git", "https:ssh"),
        ("git+https://host/team/exams.git", "https://host/team/exams.git", "https:ssh"),
        ("git+https://host/team/a%20b.git", "https://host/team/a%20b.git", "https:ssh"),
        ("git+http://127.0.0.1:8080/exams.git", "http://127.0.0.1:8080/exams.git", "http"),
    ],
)
def test_an_address_is_what_git_takes(tmp_path, url, address, protocols):
    """Of each kind, with the only protocols that git may speak for it."""
    place = read_git_url(url, root=tmp_path)
    expected = address.replace("/root", str(tmp_path))
    assert (place.address, place.protocols, place.location) == (expected, protocols, url)
    assert (place.branch, place.path) == ("refs/heads/exam-state", "exams.state.json")
    assert place.lock == "refs/reconciler/lock/exam-state"


def test_options_name_branch_file_and_lock(tmp_path):
    """Each may be chosen; the lock's ref follows the branch unless it is chosen, too."""
    place = read_git_url("git+ssh://h/r#branch=state/prod&path=terms/2031.json", root=tmp_path)
    assert (place.branch, place.path) == ("refs/heads/state/prod", "terms/2031.json")
    assert (place.branch_name, place.lock) == ("state/prod", "refs/reconciler/lock/state/prod")
    place = read_git_url("git+ssh://h/r#lock-ref=refs/heads/state-lock", root=tmp_path)
    assert place.lock == "refs/heads/state-lock"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("git+https://ghp_token@host/r.git", "names a user"),
        ("git+https://user:secret@host/r.git", "names a user"),
        ("git+ssh://git:secret@host/r.git", "holds a password"),
        ("git+ssh://-oProxyCommand=id/r.git", "does not name a host"),
        ("git+ssh://-oProxyCommand=id@host/r.git", "names the user '-oProxyCommand=id'"),
        ("git+ssh://host/-r.git", "does not name a host"),
        ("git+ssh://host", "does not name a host"),
        ("git+https:///r.git", "does not name a host"),
        ("git+http://host/r.git", "asks for http to host"),
        ("git+https://host/r.git?x=1", "holds a `?`"),
        ("git+file://host/r.git", "does not name a local repository"),
        ("git+file:", "does not name a local repository"),
        ("git+file:///a%0ab", "does not name a local repository"),
        ("git+file:///r.git#branch=a b", "spaces or control characters"),
        ("git+file:///r\n.git", "spaces or control characters"),
        ("git+file:///r.git#branch=-x", "option branch .* is '-x'"),
        ("git+file:///r.git#branch=a..b", "option branch"),
        ("git+file:///r.git#branch=a//b", "option branch"),
        ("git+file:///r.git#branch=a.lock/b", "option branch"),
        ("git+file:///r.git#branch=a@{1}", "option branch"),
        ("git+file:///r.git#branch=HEAD", "option branch"),
        ("git+file:///r.git#branch=", "option branch"),
        ("git+file:///r.git#path=../x", "option path"),
        ("git+file:///r.git#path=.git/config", "option path"),
        ("git+file:///r.git#lock-ref=heads/x", "option lock-ref"),
        ("git+file:///r.git#ref=x", "unknown option 'ref'"),
        ("git+ext://sh%20-c%20id/r", "scheme 'git\\+ext' is not one of"),
    ],
)
def test_what_is_no_place_for_a_state_is_refused(tmp_path, url, problem):
    """With what is wrong and what to write, and without the secret that it may hold."""
    with pytest.raises(UsageError, match=problem) as caught:
        open_store(url, root=tmp_path)
    assert caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint
    assert "ghp_token" not in caught.value.message + caught.value.hint

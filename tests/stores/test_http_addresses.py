"""From a state URL to the addresses and verbs of Terraform's HTTP protocol."""

import pytest

from reconciler.model.errors import UsageError
from reconciler.stores.http_address import read_address


def read(url):
    """The addresses in `url`, as from a file."""
    return read_address(url, is_typed=False)


GITLAB = "https://gitlab.example/api/v4/projects/42/terraform/state/exams"


def test_the_defaults_are_terraforms():
    """One address for all, and its own verbs to lock and unlock."""
    found = read("https://host/a?b=c")
    assert (found.address, found.lock_address, found.unlock_address) == ("https://host/a?b=c",) * 3
    assert (found.update_method, found.lock_method, found.unlock_method) == ("POST", "LOCK", "UNLOCK")
    assert found.location == "https://host/a?b=c"
    assert not found.is_gitlab


@pytest.mark.parametrize("project", ["42", "group%2Fproject"])
def test_gitlab_is_known_by_its_address(project):
    """It locks beside the address."""
    address = GITLAB.replace("42", project)
    found = read(address)
    assert (found.address, found.lock_address, found.unlock_address) == (
        address,
        f"{address}/lock",
        f"{address}/lock",
    )
    assert (found.update_method, found.lock_method, found.unlock_method) == ("POST", "POST", "DELETE")
    assert found.is_gitlab


def test_each_address_and_verb_can_be_given():
    """The address to unlock is that to lock, unless it is given too."""
    found = read(
        "https://h/a#lock-address=https://h/l?x=1%26y=2&lock-method=PUT&unlock-method=DELETE"
        "&update-method=PUT&timeout=120"
    )
    assert found.address == "https://h/a"
    assert (found.lock_address, found.unlock_address) == ("https://h/l?x=1&y=2",) * 2
    assert (found.lock_method, found.unlock_method, found.update_method) == ("PUT", "DELETE", "PUT")
    assert found.timeout_s == 120
    assert read("https://h/a#unlock-address=https://h/u").unlock_address == "https://h/u"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://user@host/a", "holds credentials"),
        ("https://user:hunter2@host/a", "holds a password"),
        ("https://host/a?private_token=hunter2", "holds credentials"),
        ("https://host/a#lock-address=https://user:hunter2@host/l", "holds credentials"),
        ("http://host/a", "is plain http"),
        ("http://127.0.0.1.example/a", "is plain http"),
        ("https://host/a#unlock-address=http://host/u", "is plain http"),
        ("https://host/a#lock-address=ftp://host/u", "is not an address"),
        ("https://host/a#lock-address=https://[x/u", "cannot be read"),
        ("https:///a", "is not an address"),
        ("https://host/a#lock-method=lock", "lock-method"),
        ("https://host/a#timeout=0", "timeout"),
        ("https://host/a#timeout=ten", "timeout"),
        ("https://host/a#allow-http=yes", "is plain http"),
        ("https://host/a#lock=x", "unknown option"),
    ],
)
def test_what_is_no_address_is_refused(url, problem):
    """Before anything is sent, and without a password in what is said."""
    if "allow-http" in url:
        url, problem = url.replace("https", "http", 1), "allow-http"
    with pytest.raises(UsageError, match=problem) as caught:
        read(url)
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_http_is_for_this_machine_or_where_it_is_allowed():
    """Loopback in each of its spellings, or a network that somebody trusts."""
    for url in (
        "http://127.0.0.1:8080/a",
        "http://localhost/a",
        "http://[::1]:99/a",
        "http://h/a#allow-http=true",
    ):
        assert read(url).address == url.partition("#")[0]

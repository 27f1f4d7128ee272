"""Which requests go through a proxy, as the environment says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.proxies import Proxy, proxy_for

PROXY = "http://proxy:3128"


def goes_through(url, no):
    """Whether requests to `url` go through the proxy, with this NO_PROXY."""
    return proxy_for(url, {"https": PROXY, "http": PROXY, "no": no}) is not None


@pytest.mark.parametrize(
    ("no", "url"),
    [
        ("*", "https://api.example.edu"),
        ("other.org, *", "https://api.example.edu"),
        ("api.example.edu", "https://api.example.edu"),
        ("API.Example.EDU.", "https://api.example.edu/v1"),
        ("example.edu", "https://api.example.edu"),
        (".example.edu", "https://api.example.edu"),
        (".example.edu", "https://example.edu"),
        ("*.example.edu", "https://api.example.edu"),
        (" ,, example.edu ,", "https://api.example.edu"),
        ("other.org example.edu", "https://api.example.edu"),
        ("other.org\texample.edu\n", "https://api.example.edu"),
        ("api.example.edu:443", "https://api.example.edu"),
        ("api.example.edu:8443", "https://api.example.edu:8443"),
        ("https://api.example.edu", "https://api.example.edu"),
        ("all://api.example.edu", "http://api.example.edu"),
        ("b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "https://B\u00dcCHER.example"),
        ("127.0.0.1", "https://127.0.0.1:8443"),
        ("10.0.0.0/8", "https://10.1.2.3"),
        ("10.1.2.3/8", "https://10.200.0.1"),
        ("fd07::/64", "https://[fd07::1]"),
        ("[fd07::]/64,fd07::1", "https://[FD07:0:0::1]"),
        ("::1", "https://[::1]"),
        ("[::1]", "https://[::1]:8443"),
        ("[::1]:8443", "https://[::1]:8443"),
        ("localhost", "https://LOCALHOST"),
        ("fd07::/64,garbage[,example.edu", "https://api.example.edu"),
    ],
)
def test_what_no_proxy_names_is_asked_straight(no, url):
    """Hosts, domains, addresses and networks, however they are spelt, beside whatever cannot be read."""
    assert not goes_through(url, no)


@pytest.mark.parametrize(
    "no",
    [
        "",
        " , ,",
        ".",
        "*.",
        "ample.edu",
        "api.example.edu.org",
        "www.api.example.edu",
        "api.example.edu:80",
        "api.example.edu:x",
        "api.example.edu:",
        "http://api.example.edu",
        "://",
        "all://",
        "<local>",
        "<-loopback>",
        "fd07::/64",
        "fd07::/999",
        "10.0.0.0/99",
        "[::1",
        "]",
        "%zz",
        "*example.org",
        "a..b",
        "x" * 999,
        "\ud83d",
        "Ren\udce9",
        "[]:1",
        "/24",
        "https://user:secret@api.example.edu",
    ],
    ids=ascii,
)
def test_what_is_not_named_or_cannot_be_read_changes_nothing(no):
    """No entry is a reason to refuse, and none takes away the proxy of another host."""
    assert goes_through("https://api.example.edu", no)


@pytest.mark.parametrize("url", ["https://10.1.2.3", "https://[fd07::1]"])
@pytest.mark.parametrize("no", ["11.0.0.0/8", "fd08::/64", "3", ".2.3", "1.2.3", "10.1.2", "*.1.2.3", "::"])
def test_addresses_have_no_domains(url, no):
    """The end of an address is no domain that it is in."""
    assert goes_through(url, no)


@given(st.text(), st.sampled_from(["https://api.example.edu", "http://[::1]:80", "https://10.0.0.1"]))
def test_any_text_is_read(no, url):
    """Nothing is raised, whatever stands there."""
    assert goes_through(url, no) in {True, False}


@pytest.mark.parametrize(
    ("proxies", "found"),
    [
        ({}, None),
        ({"no": "x"}, None),
        ({"http": PROXY}, None),
        ({"https": ""}, None),
        ({"https": "proxy:3128"}, Proxy(variable="HTTPS_PROXY", url=PROXY)),
        ({"https": f" {PROXY}\n"}, Proxy(variable="HTTPS_PROXY", url=PROXY)),
        ({"all": PROXY}, Proxy(variable="ALL_PROXY", url=PROXY)),
        ({"all": "http://other", "https": PROXY}, Proxy(variable="HTTPS_PROXY", url=PROXY)),
    ],
)
def test_the_proxy_is_that_of_the_scheme_or_of_all(proxies, found):
    """One for another scheme is none."""
    assert proxy_for("https://api.example.edu", proxies) == found

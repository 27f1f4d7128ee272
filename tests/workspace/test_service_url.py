"""Base URLs of the service: which may be used, how they are compared, and which one is meant."""

import pytest

from reconciler.model.destination import NamedBy, ServiceUrl
from reconciler.model.errors import UrlUnusable
from reconciler.service_url import DEFAULT, check_url, choose

A, B, C = (f"https://{name}.example.edu" for name in "abc")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example.edu", "https://api.example.edu"),
        ("https://api.example.edu/base/", "https://api.example.edu/base"),
        ("http://127.0.0.1:8400", "http://127.0.0.1:8400"),
        ("http://localhost:8400/", "http://localhost:8400"),
        ("http://[::1]:8400", "http://[::1]:8400"),
        ("HTTPS://API.Example.edu:443", "https://api.example.edu"),
        ("http://LOCALHOST:80//", "http://localhost"),
        ("https://api.example.edu:8443/Base", "https://api.example.edu:8443/Base"),
    ],
)
def test_urls_to_send_a_token_to(url, base):
    """TLS anywhere, or plain http to this machine; each in one spelling."""
    assert check_url(url, is_plain_http_allowed=False) == base


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.edu",
        "http://127.0.0.1.example.edu",
        "http://localhost.example.edu",
        "http://0.0.0.0",
        "https://",
        "ftp://x",
        "api.example.edu",
        "",
        "https://x:99999",
        "https://x:port",
        "https://user:secret@x",
        "https://x?a=b",
        "https://x#f",
        "http://[::1",
    ],
)
def test_urls_not_to_send_a_token_to(url):
    """Plain http off loopback, and what is no base URL, is refused with the way to write one."""
    with pytest.raises(UrlUnusable) as caught:
        check_url(url, is_plain_http_allowed=False)
    assert caught.value.hint
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://\u0430pi.example.edu",  # a Cyrillic letter
        "https://api\u3002example.edu",
        "https://b\u00fccher.example.edu",
        "https://api.example.edu\u200b",
        "https://api.example.edu\u2028",
        "https://api.exa\tmple.edu",
        "https://api.example .edu",
        "https://api%2eexample.edu",
        "https://api.example.edu\\.evil.example",
        "https://api..example.edu",
        "https://*.example.edu",
        "https://api.example.edu/\u202elive",
        "https://api.example.edu/live/../test",
        "https://api.example.edu/live/.",
        "https://api.example.edu/li ve",
        "https://api.example.edu/\x00",
    ],
)
def test_urls_that_look_like_another(url):
    """A reviewer must see where a plan goes: what hides that is refused, and never shown."""
    with pytest.raises(UrlUnusable, match="mistaken") as caught:
        check_url(url, is_plain_http_allowed=True)
    assert "xn--" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (" https://api.example.edu\n", "https://api.example.edu"),
        ("https://xn--bcher-kva.example/v1.2/a_b~c", "https://xn--bcher-kva.example/v1.2/a_b~c"),
        ("https://api_sandbox", "https://api_sandbox"),
        ("https://api.example.edu.", "https://api.example.edu."),
        ("https://[2001:db8::1.2.3.4]/", "https://[2001:db8::1.2.3.4]"),
    ],
)
def test_urls_that_look_like_themselves(url, base):
    """White space around one is left out, as variables often end with a line break."""
    assert check_url(url, is_plain_http_allowed=True) == base


def test_plain_http_can_be_allowed():
    """For a test server on another machine."""
    assert check_url("http://test.example.edu", is_plain_http_allowed=True) == "http://test.example.edu"


@pytest.mark.parametrize(
    ("option", "environment", "variable", "bound", "meant"),
    [
        (None, None, None, None, ServiceUrl(url=DEFAULT, named_by=NamedBy.DEFAULT)),
        (None, None, None, A, ServiceUrl(url=A, named_by=NamedBy.STATE)),
        (None, None, B, A, ServiceUrl(url=B, named_by=NamedBy.VARIABLE)),
        (None, C, None, A, ServiceUrl(url=C, named_by=NamedBy.CHOICE)),
        (
            None,
            C,
            f"{C.upper().replace('HTTPS', 'https')}:443/",
            A,
            ServiceUrl(url=C, named_by=NamedBy.CHOICE),
        ),
        (None, C, B, A, ServiceUrl(url=C, named_by=NamedBy.CHOICE, contradiction=B)),
        (None, C, f"{C}/v2", None, ServiceUrl(url=C, named_by=NamedBy.CHOICE, contradiction=f"{C}/v2")),
        (A, C, B, None, ServiceUrl(url=A, named_by=NamedBy.CHOICE)),
    ],
)
def test_an_option_decides_then_the_environment_then_what_stands_around(
    option, environment, variable, bound, meant
):
    """A variable that contradicts the environment is told, unless an option says which is meant."""
    assert choose(option=option, environment=environment, variable=variable, bound=bound) == meant


@pytest.mark.parametrize("url", ["", "api.example.edu", "https://user:hunter2@x", "https://[::1"])
def test_a_url_that_is_none_is_refused_wherever_it_stands(url):
    """In the option, the workspace file or the variable; credentials in it are not repeated."""
    for given in ({"option": url}, {"environment": url}, {"variable": url}):
        with pytest.raises(UrlUnusable) as caught:
            choose(**{"option": None, "environment": None, "variable": None, "bound": None} | given)
        assert "hunter2" not in caught.value.message

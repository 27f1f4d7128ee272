"""Tokens and URLs are refused before anything is sent, and never quoted."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.errors import TokenUnusable
from reconciler.service.credentials import check_token

NOW = datetime(2031, 9, 1, tzinfo=UTC)


def jwt(claims):
    """A token that carries `claims`; its signature is not looked at."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        jwt({"exp": (NOW + timedelta(seconds=1)).timestamp()}),
        jwt({}),
        jwt({"exp": "soon"}),
        jwt({"exp": 1e300}),
        jwt([]),
        "a.b.c",
        "a.====.c",
    ],
)
def test_a_token_that_may_be_valid_passes(token):
    """Only what is certainly useless is refused; the service judges the rest."""
    check_token(token, NOW, source="SOURCE")


@pytest.mark.parametrize("seconds", [0, -1, -86400])
def test_an_expired_token_is_refused_before_it_is_sent(seconds):
    """The message says when it expired, and not what it is."""
    token = jwt({"exp": (NOW + timedelta(seconds=seconds)).timestamp()})
    with pytest.raises(TokenUnusable, match="of SOURCE expired at 2031") as caught:
        check_token(token, NOW, source="SOURCE")
    assert token not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tab\t", "ünïcode", "nul\0"])
def test_what_no_header_can_carry_is_refused(token):
    """Nothing is smuggled into a header, and the token is not quoted."""
    with pytest.raises(TokenUnusable) as caught:
        check_token(token, NOW, source="SOURCE")
    assert not token or token not in caught.value.message

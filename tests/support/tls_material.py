"""Certificates of the tests' own authority, and TLS for servers that show them."""

import ssl
from datetime import UTC, datetime, timedelta

import trustme

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
HOSTS = ("localhost", "127.0.0.1")


def tls_of(certificate):
    """TLS for a server that shows `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good():
    """TLS that a client which trusts AUTHORITY accepts on loopback."""
    return tls_of(AUTHORITY.issue_cert(*HOSTS))


def for_another_host():
    """As good, for a host of another name."""
    return tls_of(AUTHORITY.issue_cert("exams.example.edu"))


def expired():
    """As good, until yesterday."""
    now = datetime.now(UTC)
    return tls_of(
        AUTHORITY.issue_cert(*HOSTS, not_before=now - timedelta(days=9), not_after=now - timedelta(days=1))
    )


def of_a_stranger():
    """As good, from an authority that nobody trusts."""
    return tls_of(STRANGER.issue_cert(*HOSTS))


def self_signed(directory):
    """A certificate that vouches for itself."""
    path = directory / "self-signed.pem"
    path.write_bytes(STRANGER.private_key_pem.bytes() + STRANGER.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def trust_in(directory):
    """The variables that make a client trust AUTHORITY and nobody else."""
    path = directory / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return {"SSL_CERT_FILE": str(path)}

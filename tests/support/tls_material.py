"""Certificates of a test authority, and TLS contexts of servers that present them."""

import ssl
from datetime import UTC, datetime, timedelta

import trustme

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
HOSTS = ("localhost", "127.0.0.1")


def tls_of(certificate):
    """Return the TLS context of a server that presents `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good():
    """Return TLS with a valid certificate for loopback, issued by AUTHORITY."""
    return tls_of(AUTHORITY.issue_cert(*HOSTS))


def for_another_host():
    """Return TLS with a certificate for another host."""
    return tls_of(AUTHORITY.issue_cert("exams.example.edu"))


def expired():
    """Return TLS with a certificate that expired yesterday."""
    now = datetime.now(UTC)
    return tls_of(
        AUTHORITY.issue_cert(*HOSTS, not_before=now - timedelta(days=9), not_after=now - timedelta(days=1))
    )


def of_a_stranger():
    """Return TLS with a certificate of an authority that no client trusts."""
    return tls_of(STRANGER.issue_cert(*HOSTS))


def self_signed(directory):
    """Return TLS with a self-signed certificate."""
    path = directory / "self-signed.pem"
    path.write_bytes(STRANGER.private_key_pem.bytes() + STRANGER.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def trust_in(directory):
    """Return the variables that make a client trust AUTHORITY only."""
    path = directory / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return {"SSL_CERT_FILE": str(path)}

"""URLs of object stores: what they may say, what each makes of it, and what they must not hold."""

import subprocess
import sys

import pytest
from object_servers import AZURITE_KEY
from raw_server import raw_server
from tls_material import AUTHORITY, good, of_a_stranger

from reconciler.model.errors import StateUnavailable, UsageError
from reconciler.stores.bucket import open_bucket
from reconciler.stores.bucket_urls import find_bucket
from reconciler.stores.opening import open_store

VARIABLES = (
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AZURE_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "GOOGLE_BASE_URL",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Credentials of nobody, and no endpoint."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made up")
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "made.up.token")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3:", "no bucket"),
        ("s3://", "no bucket"),
        ("s3:///key", "no bucket"),
        ("s3://-b/key", "no bucket"),
        ("s3://a b/key", "no bucket"),
        ("s3://bucket", "no object"),
        ("s3://bucket/", "no object"),
        ("s3://bucket/a//b", "no object"),
        ("s3://bucket/a/", "no object"),
        ("s3://bucket/a/../b", "no object"),
        ("s3://bucket/a%2F..%2Fb", "no object"),
        ("s3://bucket/a%0Ab", "no object"),
        (f"s3://bucket/{'k' * 901}", "longer than 900 bytes"),
        ("s3://bucket:port/key", "cannot be read"),
        ("s3://key:secret@bucket/key", "holds a password"),
        ("s3://AKIDEXAMPLE@bucket/key", "may be a credential"),
        ("az://container/key?sv=1&sig=hunter2", "may be a credential"),
        ("s3://bucket/key#regions=eu-west-1", "unknown option 'regions'"),
        ("gs://bucket/key#region=eu", "unknown option 'region'"),
        ("s3://bucket/key#path-style=maybe", "path-style"),
        ("s3://bucket/key#allow-http=1", "allow-http"),
        ("s3://bucket/key#timeout=soon", "timeout"),
        ("s3://bucket/key#timeout=0", "timeout"),
        ("s3://bucket/key#timeout=nan", "timeout"),
        ("s3://bucket/key#timeout=9999", "timeout"),
        ("s3://bucket/key#endpoint=storage.example.org", "not an http or https address"),
        ("s3://bucket/key#endpoint=ftp://storage.example.org", "not an http or https address"),
        ("s3://bucket/key#endpoint=https://u:hunter2@storage.example.org", "without credentials"),
        ("s3://bucket/key#endpoint=https://storage.example.org:port", "not an http or https address"),
        ("s3://bucket/key#endpoint=http://storage.example.org", "is plain http"),
        ("s3://bucket/key#endpoint=http://10.0.0.1", "is plain http"),
        ("s3://bucket/key#endpoint=https://storage.example.org", "nothing else does"),
        (
            "gs://bucket/key#endpoint=https://storage.example.org/",
            "GOOGLE_BASE_URL=https://storage.example.org in",
        ),
        (
            "az://container/key#account=a&endpoint=https://storage.example.org",
            "or give the whole URL with --state",
        ),
        ("s3://bucket/key#region=storage.example.org/", "option region"),
        ("az://container/key#account=storage.example.org/", "option account"),
        ("az://container/key", "the storage account is not given"),
        ("az://container/key#account=a&endpoint=https://127.0.0.1:0 b", "not an http"),
    ],
)
def test_a_url_that_names_no_place_is_refused(url, told, tmp_path):
    """Each says what is wrong and what to do, and never shows a secret."""
    with pytest.raises(UsageError) as caught:
        open_store(url, root=tmp_path)
    said = f"{caught.value.message} {caught.value.hint}"
    assert told in said
    assert "hunter2" not in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("AWS_ENDPOINT_URL_S3", "s3://bucket/key"),
        ("AWS_ENDPOINT_URL", "s3://bucket/key"),
        ("GOOGLE_BASE_URL", "gs://bucket/key"),
        ("AZURE_STORAGE_ENDPOINT", "az://container/key#account=a"),
    ],
)
def test_plain_http_from_the_environment_is_refused_too(monkeypatch, variable, url):
    """Credentials are not to travel in the open because of a variable that somebody set."""
    monkeypatch.setenv(variable, "http://storage.example.org")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    with pytest.raises(UsageError, match="is plain http"):
        find_bucket(url, is_typed=False)
    find_bucket(f"{url}{'&' if '#' in url else '#'}allow-http=true", is_typed=False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_to_this_machine_is_allowed(host):
    """As for a server in the next container."""
    find_bucket(f"s3://bucket/key#endpoint=http://{host}:9000", is_typed=False)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("AWS_ENDPOINT_URL", "s3://bucket/key#endpoint=https://storage.example.org"),
        ("GOOGLE_BASE_URL", "gs://bucket/key#endpoint=https://storage.example.org"),
        ("AZURE_STORAGE_ENDPOINT", "az://container/key#account=a&endpoint=https://storage.example.org"),
    ],
)
def test_a_server_in_a_file_is_used_if_the_environment_or_a_person_names_it(monkeypatch, variable, url):
    """Else a pull request could have the runner's credentials sent to a server of its author's."""
    find_bucket(url, is_typed=True)
    monkeypatch.setenv(variable, "https://storage.example.org.evil.example")
    with pytest.raises(UsageError, match="nothing else does"):
        find_bucket(url, is_typed=False)
    monkeypatch.setenv(variable, "https://storage.example.org/")
    find_bucket(url, is_typed=False)


@pytest.mark.parametrize(
    ("url", "endpoint", "is_hosted"),
    [
        ("s3://bucket/key", None, True),
        ("s3://bucket.with.dots/key", None, False),
        ("s3://bucket/key#path-style=true", None, False),
        ("s3://bucket/key#endpoint=https://e.org", "https://e.org", False),
        ("s3://bucket/key#endpoint=https://e.org/&path-style=false", "https://bucket.e.org", True),
    ],
)
def test_where_the_bucket_stands(url, endpoint, is_hosted):
    """In the host's name at Amazon's, in the path elsewhere, unless the URL says otherwise."""
    config = find_bucket(url, is_typed=True)[0]._store.config
    assert config.get("endpoint_url_s3") == endpoint
    assert config["virtual_hosted_style_request"] == ("true" if is_hosted else "false")


def test_the_url_wins_over_the_environment(monkeypatch):
    """Region and endpoint; and conditions are sent whatever the environment says."""
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://other.example.org")
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    url = "s3://bucket/key#region=eu-west-1&endpoint=https://e.org"
    config = find_bucket(url, is_typed=True)[0]._store.config
    assert config["region"] == "eu-west-1"
    assert config["endpoint_url_s3"] == "https://e.org"
    assert config["conditional_put"] == "etag"


def test_a_key_is_read_as_any_url_is():
    """What cannot stand in a URL is escaped in it."""
    _, key = find_bucket("gs://bucket/pr%C3%BCfungen/fall%20term.json", is_typed=False)
    assert key == "prüfungen/fall term.json"


def test_a_server_with_an_unknown_certificate_is_not_talked_to(tmp_path, monkeypatch):
    """Unless its authority is named; what was configured for others changes nothing."""
    monkeypatch.setenv("AWS_ALLOW_INVALID_CERTIFICATES", "true")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    with raw_server(_absent, tls=of_a_stranger()) as server:
        url = f"s3://bucket/key#endpoint={server.url}&timeout=1"
        with pytest.raises(StateUnavailable, match="no secure connection") as caught:
            open_bucket(url, root=tmp_path).load()
        assert "SSL_CERT_FILE" in caught.value.hint
        assert server.conversations == []
    with raw_server(_absent, tls=good()) as server:
        store = open_bucket(f"s3://bucket/key#endpoint={server.url}", root=tmp_path)
        assert store.backup() is None


def _absent(conversation):
    """Say that there is no such object."""
    body = b"<Error><Code>NoSuchKey</Code></Error>"
    if conversation.read_head():
        conversation.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def test_half_a_key_is_no_key(tmp_path, monkeypatch):
    """It is said at once that a part of the credentials is missing, before anything is asked of the store."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UsageError, match="no credentials were found"):
        open_store("s3://bucket/key", root=tmp_path)


def test_the_driver_may_be_missing(monkeypatch, tmp_path):
    """Whoever has not installed the extra is told how to."""
    for name in [name for name in sys.modules if name.startswith(("obstore", "reconciler.stores.bucket"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError) as caught:
        open_store("s3://bucket/key", root=tmp_path)
    assert "exam-reconciler[object-storage]" in caught.value.hint


def test_a_file_loads_no_driver(tmp_path):
    """It is for those whose URL asks for it."""
    code = (
        "import sys; from pathlib import Path; from reconciler.stores.opening import open_store\n"
        "open_store('file:s.json', root=Path()); sys.exit('obstore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0

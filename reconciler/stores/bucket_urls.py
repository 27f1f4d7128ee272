"""URLs of object stores: s3://BUCKET/KEY, gs://BUCKET/KEY and az://CONTAINER/KEY, and how to open them.

The driver takes credentials, and what the URL does not say, from each cloud's environment variables. They
cannot allow plain http, which only the URL can, and cannot turn off the check of certificates.
"""

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from reconciler.model.errors import UsageError
from reconciler.service_url import is_loopback
from reconciler.stores.bucket_calls import Bucket
from reconciler.stores.bucket_errors import explained
from reconciler.stores.urls import StateUrl, read_state_url

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, ObjectStore, RetryConfig, S3Config

CALL_TIMEOUT_S: Final = 15.0
"""Default timeout of one request."""

_CONNECT_TIMEOUT_S: Final = 5.0
_LONGEST_TIMEOUT_S: Final = 600.0
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_LONGEST_KEY_BYTES: Final = 900
_FORM: Final = "Write it as s3://BUCKET/KEY, gs://BUCKET/KEY or az://CONTAINER/KEY, with options behind a #."

_REGION: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_ACCOUNT: Final = re.compile(r"[a-z0-9]{1,24}")

_COMMON: Final = frozenset({"endpoint", "allow-http", "timeout"})
_OPTIONS: Final = {
    "s3": _COMMON | {"region", "path-style"},
    "gs": _COMMON,
    "az": _COMMON | {"account"},
}
_ENDPOINT_VARIABLES: Final = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""Variables from which the driver takes an endpoint that is not in the URL, highest precedence first."""


def find_bucket(text: str, *, is_typed: bool) -> tuple[Bucket, str]:
    """Return the bucket and the key in the URL `text`, without accessing them. May raise UsageError.

    `is_typed` means that `text` comes from the command line, and not from a file that others may change.
    """
    scheme = urlsplit(text).scheme
    url = read_state_url(text, options=_OPTIONS[scheme])
    _refuse_strange(url)
    key = _key_of(url)
    endpoint = _endpoint_of(url)
    url.refuse_plain_http(endpoint or "")
    if endpoint is not None and not is_typed:
        _refuse_stranger(url, endpoint)
    try:
        store = _opened(url, endpoint)
    except (BaseError, ValueError, TypeError) as error:
        problem, hint, _ = explained(error)
        raise UsageError(f"the state at {url.location} cannot be opened: {problem}", hint=hint) from None
    return Bucket(store, has_generations=scheme == "gs", location=url.location), key


def _refuse_strange(url: StateUrl) -> None:
    if url.parts.query or "@" in url.parts.netloc:
        raise UsageError(
            "the state URL holds what may be a credential, or a query",
            hint="Remove it: it would be seen in logs and process lists. Credentials come from the "
            "environment; see `reconciler explain stores/object-storage`.",
        )
    if not _BUCKET.fullmatch(url.parts.netloc):
        raise UsageError(f"the state URL {url.location!r} names no bucket", hint=_FORM)

    # Both become parts of a host's name, and credentials are sent there.
    for option, form in (("region", _REGION), ("account", _ACCOUNT)):
        value = url.options.get(option)
        if value is not None and not form.fullmatch(value):
            raise UsageError(
                f"the option {option} of the state URL is {value!r}",
                hint="Write its plain name, of letters and digits.",
            )


def _refuse_stranger(url: StateUrl, endpoint: str) -> None:
    """Raise UsageError if credentials of the environment would go to a server that only a file names."""
    names = _ENDPOINT_VARIABLES[url.parts.scheme]
    known = {os.environ.get(name, "").rstrip("/") for name in names}
    if endpoint not in known and not is_loopback(urlsplit(endpoint).hostname or ""):
        raise UsageError(
            f"reconciler.yaml names {endpoint} as the server of the state, and nothing else does",
            hint="Credentials are not sent to a server that a pull request could name. If it is right, set "
            f"{names[0]}={endpoint} in the environment, or give the whole URL with --state.",
        )


def _key_of(url: StateUrl) -> str:
    key = unquote(url.parts.path.removeprefix("/"))
    parts = key.split("/")
    if not key or "" in parts or not {".", ".."}.isdisjoint(parts) or not key.isprintable():
        raise UsageError(f"the state URL {url.location!r} names no object", hint=_FORM)
    if len(key.encode()) > _LONGEST_KEY_BYTES:
        raise UsageError(
            f"the key in the state URL is longer than {_LONGEST_KEY_BYTES} bytes",
            hint="Choose a shorter one.",
        )
    return key


def _endpoint_of(url: StateUrl) -> str | None:
    """Return the server's address; None means the cloud's own."""
    names = _ENDPOINT_VARIABLES[url.parts.scheme]
    found = url.options.get("endpoint") or next(filter(None, map(os.environ.get, names)), None)
    if found is None:
        return None
    try:
        parts = urlsplit(found)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise UsageError(
            "the endpoint of the state is not an http or https address without credentials",
            hint="Write it as in #endpoint=https://storage.example.org, or correct the environment variable "
            f"it comes from ({', '.join(names)}).",
        )
    return found.rstrip("/")


def _opened(url: StateUrl, endpoint: str | None) -> "ObjectStore":
    bucket = url.parts.netloc
    timeout_s = url.seconds("timeout", otherwise=CALL_TIMEOUT_S, most=_LONGEST_TIMEOUT_S)
    client: ClientConfig = {
        "allow_http": endpoint is not None and endpoint.startswith("http:"),
        "allow_invalid_certificates": False,
        "connect_timeout": timedelta(seconds=min(_CONNECT_TIMEOUT_S, timeout_s)),
        "timeout": timedelta(seconds=timeout_s),
        "user_agent": "reconciler",
    }
    # A second try of a conditional put would be refused because of the first one.
    retry: RetryConfig = {"max_retries": 0}
    match url.parts.scheme:
        case "s3":
            s3 = _s3_config(url, endpoint)
            return S3Store(bucket, config=s3, client_options=client, retry_config=retry)
        case "gs":
            gs: GCSConfig = {} if endpoint is None else {"base_url": endpoint}
            return GCSStore(bucket, config=gs, client_options=client, retry_config=retry)
        case _:
            az: AzureConfig = {} if endpoint is None else {"endpoint": endpoint}
            if account := url.options.get("account"):
                az["account_name"] = account
            return AzureStore(bucket, config=az, client_options=client, retry_config=retry)


def _s3_config(url: StateUrl, endpoint: str | None) -> "S3Config":
    # Send conditions, whatever the environment says: without them runs overwrite each other.
    config: S3Config = {"conditional_put": "etag"}
    if region := url.options.get("region"):
        config["region"] = region
    bucket = url.parts.netloc
    # Other servers than Amazon's want the bucket in the path. So do buckets with dots in their name, which no
    # certificate matches as a host.
    is_path_style = url.is_set("path-style", otherwise=endpoint is not None or "." in bucket)
    config["virtual_hosted_style_request"] = not is_path_style
    if endpoint is not None:
        parts = urlsplit(endpoint)
        hosted = parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()
        config["aws_endpoint_url_s3"] = endpoint if is_path_style else hosted
    return config

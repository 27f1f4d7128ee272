"""Servers of object storage, started once where they are needed."""

from contextlib import contextmanager

import object_servers
import pytest


@contextmanager
def known(server):
    """`server`, with what its clients look for in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def moto_server():
    """S3 as moto plays it."""
    with object_servers.moto() as server:
        yield server


@pytest.fixture(scope="session")
def google_server():
    """Google Cloud Storage as this project's own server plays it."""
    with object_servers.google() as server:
        yield server


@pytest.fixture(scope="session")
def azurite_server(tmp_path_factory):
    """Azure Blob Storage as Azurite plays it."""
    with object_servers.azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def s3(moto_server):
    """S3, with credentials in the environment."""
    with known(moto_server) as server:
        yield server


@pytest.fixture
def gs(google_server):
    """Google Cloud Storage, with credentials in the environment."""
    with known(google_server) as server:
        yield server


@pytest.fixture
def az(azurite_server):
    """Azure Blob Storage, with credentials in the environment."""
    with known(azurite_server) as server:
        yield server

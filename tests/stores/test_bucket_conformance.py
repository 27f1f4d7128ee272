"""Object storage passes the suite of every store: on S3, on Azure, and on Google Cloud Storage."""

from typing import ClassVar

import pytest
from warm_place import WarmPlace

from reconciler.stores.conformance import StoreConformance


class TestS3(StoreConformance):
    """S3, played by moto. What is in the store before a call is what was in it after the last one.

    `test_bucket_histories` plays many histories, with a bucket in memory.
    """

    faults: ClassVar = ("store-called=kill", "store-call=eio", "store-called=eio")
    histories: ClassVar = 1

    @pytest.fixture
    def place(self, s3, tmp_path):
        """A fresh key."""
        return WarmPlace(url=s3.url(), root=tmp_path)


class TestAzure(StoreConformance):
    """Azure Blob Storage, played by Azurite. That calls fail is no different from S3."""

    faults: ClassVar = ("store-called=kill",)
    histories: ClassVar = 1

    @pytest.fixture
    def place(self, az, tmp_path):
        """A fresh key."""
        return WarmPlace(url=az.url(), root=tmp_path)


class TestGoogle(StoreConformance):
    """Google Cloud Storage, played by a server of this project. That calls fail is no different from S3."""

    faults: ClassVar = ("store-called=kill",)
    histories: ClassVar = 1

    @pytest.fixture
    def place(self, gs, tmp_path):
        """A fresh key."""
        return WarmPlace(url=gs.url(), root=tmp_path)

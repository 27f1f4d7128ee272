"""Random histories of a bucket: each put may fail, arrive late or twice, or be a killed run's last one."""

import pytest
from memory_bucket import MemoryBucket, Objects

from reconciler.stores import random_histories
from reconciler.stores.bucket import BucketStore
from reconciler.stores.history_ledger import BrokenPromiseError
from reconciler.stores.random_histories import draw, seek_broken_promise

FATES = ("fine",) * 100 + ("before", "after", "twice", "late", "late", 0, 5)
"""A number chooses a late put that arrives before the call is done."""


class AdriftBucket(MemoryBucket):
    """A client whose run pauses before each call, and whose history chooses what becomes of that."""

    def _meet(self, change):
        fate = draw(FATES)
        if self.objects.late and isinstance(fate, int):
            self.objects.arrive(fate)
        self.fates = [fate]
        return super()._meet(change)


class Unsealed(BucketStore):
    """A store that does not end the log that it leaves."""

    def _extend(self, position, data):
        return not data or super()._extend(position, data)


def seek(seed, *, store=BucketStore):
    """Try one history over a new bucket."""
    objects = Objects()
    seek_broken_promise(lambda: store(AdriftBucket(objects), key="k"), seed=seed, length=4000)


def seek_all(seeds, **mistake):
    """Try one history after the other."""
    for seed in seeds:
        seek(seed, **mistake)


@pytest.mark.timeout(300)
def test_histories_keep_the_promises():
    """Whatever becomes of single puts."""
    seek_all(range(40))


def test_a_log_that_is_not_ended_is_found_within_twenty_seeds(monkeypatch):
    """An append that arrives late, or is slow, is acknowledged and lost."""
    monkeypatch.setattr(random_histories, "_SHRINKING_S", 0)
    with pytest.raises(BrokenPromiseError, match="seed"):
        seek_all(range(20), store=Unsealed)

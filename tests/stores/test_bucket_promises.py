"""Object storage in any order of clients, kills, lost answers, and late or doubled arrivals loses nothing."""

import json
from functools import partial
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from memory_bucket import MemoryBucket, Objects

from reconciler.model.errors import StateError
from reconciler.stores.bucket import BucketStore, _blanks, _parted

KEY = "state.json"
CLIENTS = 3
clients = st.integers(0, CLIENTS - 1)
fates = st.just([]) | st.lists(
    st.sampled_from(("fine", "fine", "before", "after", "late", "twice"))
    | st.tuples(clients, st.sampled_from(("load", "append", "fold", "release"))),
    max_size=6,
)
"""What the next calls meet: often nothing, for a client that gets nowhere shows nothing.

A pair is what another client does while the call is on its way.
"""


class Client:
    """One client, which knows a head and the numbers in snapshot and log at that head."""

    def __init__(self, objects):
        self.bucket = MemoryBucket(objects)
        self.store = BucketStore(self.bucket, key=KEY)
        self.head = None
        self.numbers = []
        self.is_busy = False

    def load(self):
        """Look."""
        stored = self.store.load()
        self.head = stored.head
        self.numbers = json.loads(stored.snapshot) + [int(line) for line in stored.log.split()]

    def append(self, number):
        """Append a number at the head that is known."""
        self.head = self.store.append(b"%d\n" % number, at=self.head)
        self.numbers = [*self.numbers, number]

    def fold(self, number, *, to_log=False):
        """Make all that is known, and a number, the next content."""
        snapshot, log = ([*self.numbers], b"%d\n" % number) if to_log else ([*self.numbers, number], b"")
        self.head = self.store.replace(json.dumps(snapshot).encode(), log, at=self.head)
        self.numbers = [*self.numbers, number]

    def release(self):
        """Empty the log; with nothing in it, the snapshot's bytes are put again as they are."""
        self.head = self.store.replace(json.dumps(self.numbers).encode(), b"", at=self.head)


class Story(RuleBasedStateMachine):
    """Several clients without a lock; `acknowledged` are the numbers that one was told are durable."""

    def __init__(self):
        super().__init__()
        self.objects = Objects()
        self.clients = [Client(self.objects) for _ in range(CLIENTS)]
        self.acknowledged = []
        self.numbers = count(1)
        self.contents = {}
        Client(self.objects).store.replace(b"[]", b"", at=None)

    def act(self, who, planned, action):
        """Whether a client's `action` ended well; after a failure it has to look again."""
        client = self.clients[who]
        if client.is_busy:
            return False
        client.is_busy = True
        client.bucket.fates = [
            partial(self.meanwhile, *fate) if isinstance(fate, tuple) else fate for fate in planned
        ]
        try:
            action(client)
        except StateError:
            client.head = None
            return False
        finally:
            client.bucket.fates = []
            client.is_busy = False
        return True

    def meanwhile(self, who, what):
        """Another client does something, whole, unless it is in the middle of something itself."""
        match what:
            case "load":
                self.act(who, [], Client.load)
            case "append":
                self.change(who, [], Client.append)
            case "fold":
                self.change(who, [], Client.fold)
            case "release":
                self.release_by(who, [])

    @rule(who=clients, planned=fates)
    def load(self, who, planned):
        """A client looks."""
        self.act(who, planned, Client.load)

    def change(self, who, planned, action):
        """A client that knows a head makes a change with the next number."""
        number = next(self.numbers)
        if self.clients[who].head and self.act(who, planned, lambda client: action(client, number)):
            self.acknowledged.append(number)

    @rule(who=clients, planned=fates)
    def append(self, who, planned):
        """A client appends."""
        self.change(who, planned, Client.append)

    @rule(who=clients, planned=fates, to_log=st.booleans())
    def fold(self, who, planned, to_log):
        """A client folds."""
        self.change(who, planned, lambda client, number: client.fold(number, to_log=to_log))

    @rule(who=clients, planned=fates)
    def release(self, who, planned):
        """A client empties the log."""
        self.release_by(who, planned)

    def release_by(self, who, planned):
        """A client that knows a head empties the log."""
        if self.clients[who].head:
            self.act(who, planned, Client.release)

    @precondition(lambda self: self.objects.late)
    @rule(which=st.integers(0, 9))
    def arrive(self, which):
        """Something that was given up long ago reaches the store."""
        self.objects.arrive(which)

    @invariant()
    def nothing_is_lost_and_a_head_names_one_content(self):
        """A reader sees all that was acknowledged, in order and once."""
        reader = Client(self.objects)
        reader.load()
        assert len(reader.numbers) == len(set(reader.numbers))
        assert [number for number in reader.numbers if number in self.acknowledged] == self.acknowledged
        assert self.contents.setdefault(reader.head, reader.numbers) == reader.numbers


def test_nothing_acknowledged_is_lost_whatever_happens():
    """Three clients, and every call of each may fail, be done without an answer, or arrive late or twice."""
    run_state_machine_as_test(
        Story, settings=settings(max_examples=150, stateful_step_count=40, deadline=None)
    )


@given(snapshot=st.binary(max_size=100) | st.text(" \t\n", max_size=200).map(str.encode))
@settings(max_examples=200)
def test_the_line_of_blanks_hides_no_byte(snapshot):
    """Whatever the snapshot holds, blanks included, it is given back as it was."""
    assert _parted(snapshot + _blanks("")) == (snapshot, "")
    assert _parted(snapshot + _blanks("00ff00ff00ff00ff")) == (snapshot, "00ff00ff00ff00ff")

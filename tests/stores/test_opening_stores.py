"""From a state URL to its store: schemes, stores of installed packages, options, and what no URL may hold."""

import sys
import textwrap

import pytest

from reconciler.model.errors import StateUnavailable, UsageError
from reconciler.stores import opening
from reconciler.stores.opening import open_store
from reconciler.stores.urls import read_state_url

PACKAGE = textwrap.dedent(
    """
    from memory_store import Cell, MemoryStore

    def open_shelf(url, *, root):
        store = MemoryStore(Cell())
        store.location = f"{url} below {root.name}"
        return store

    class Failing(MemoryStore):
        def load(self):
            return 1 / 0

    def open_failing(url, *, root):
        return Failing(Cell())

    class OldStore:
        def read(self):
            return None

    def open_old(url, *, root):
        return OldStore()
    """
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a package importable that has the given entry points of a group."""

    def make(*entries, code=PACKAGE, group="reconciler.stores"):
        site = tmp_path / "site"
        info = site / "shelves-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelves\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join((f"[{group}]", *entries)))
        (site / "shelves.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "shelves", raising=False)  # another test's
        return site

    return make


@pytest.mark.parametrize("group", ["reconciler.stores", "reconciler.backends"])
def test_an_installed_package_adds_a_store(install, tmp_path, group):
    """Its entry point is named as the scheme, and gets the URL and the workspace's directory."""
    install("shelf = shelves:open_shelf", group=group)
    store = open_store("shelf://s.json", root=tmp_path)
    store.replace(b"one", b"", at=None)
    assert store.location == f"shelf://s.json below {tmp_path.name}"
    assert store.load().snapshot == b"one"


def test_a_failing_store_of_a_package_raises_what_is_expected(install, tmp_path):
    """It is wrapped like any other."""
    install("shelf = shelves:open_failing")
    with pytest.raises(StateUnavailable, match="failed with ZeroDivisionError at shelves"):
        open_store("shelf://s.json", root=tmp_path).load()


@pytest.mark.parametrize("group", ["reconciler.stores", "reconciler.backends"])
def test_a_store_of_an_earlier_kind_is_refused(install, tmp_path, group):
    """Before anything is read or sent: it cannot do what is asked of a store now."""
    install("shelf = shelves:open_old", group=group)
    with pytest.raises(UsageError, match=r"\(shelves:open_old\) has no method 'load'") as caught:
        open_store("shelf://s.json", root=tmp_path)
    assert "reconciler explain stores" in caught.value.hint


def test_an_installed_package_cannot_take_the_place_of_a_built_in_store(install, tmp_path):
    """What `file:` means is not for others to say."""
    install("file = shelves:open_shelf")
    assert open_store("file:s.json", root=tmp_path).location == "file:s.json"


def test_a_store_at_any_host_is_told_who_wrote_its_url(monkeypatch, tmp_path):
    """Credentials of the environment are for hosts that a person or the environment names."""
    told = []

    def opened(url, **given):
        told.append((url, given))

    monkeypatch.setattr(opening, "_built_in", dict.fromkeys(("https", "http", "s3", "file"), opened).get)
    open_store("https://host/x", root=tmp_path, is_typed=True)
    open_store("http://host/x", root=tmp_path)
    open_store("s3://bucket/x", root=tmp_path, is_typed=True)
    open_store("file:x", root=tmp_path, is_typed=True)
    assert told == [
        ("https://host/x", {"root": tmp_path, "is_typed": True}),
        ("http://host/x", {"root": tmp_path, "is_typed": False}),
        ("s3://bucket/x", {"root": tmp_path, "is_typed": True}),
        ("file:x", {"root": tmp_path}),
    ]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("shelf = shelves:nothing_such", PACKAGE),
        ("shelf = shelves:open_shelf", "import no_such_package"),
        ("shelf = shelves:open_shelf", "raise ValueError('no')"),
        ("shelf = shelves:open_shelf", "def open_shelf(url): return url"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named(install, tmp_path, entry, code):
    """No traceback of its code reaches the user."""
    install(entry, code=code)
    with pytest.raises(UsageError, match=r"the store for shelf: \(shelves:.*\) cannot be loaded") as caught:
        open_store("shelf://s.json", root=tmp_path)
    assert "package" in caught.value.hint


@pytest.mark.parametrize("url", ["https://[x", "git+https://[x", "shelf://[::1/x"])
def test_what_is_no_url_at_all_is_told(url, tmp_path):
    """A bracket without its other half is no address, and no traceback."""
    with pytest.raises(UsageError, match="cannot be read"):
        open_store(url, root=tmp_path)


def test_an_unknown_scheme_lists_those_that_there_are(tmp_path):
    """And says how the simplest URL is written."""
    with pytest.raises(UsageError, match="'ftp' is not one of: file") as caught:
        open_store("ftp://host/x", root=tmp_path)
    assert "file:exams.state.json" in caught.value.hint


def test_options_stand_behind_a_number_sign():
    """They are percent-decoded, and the location is the URL as given."""
    url = read_state_url("x://host/a%20b?q=1#one=1%2F2&two=", options=frozenset({"one", "two"}))
    assert url.options == {"one": "1/2", "two": ""}
    assert (url.parts.path, url.parts.query) == ("/a%20b", "q=1")
    assert url.location == "x://host/a%20b?q=1#one=1%2F2&two="


@pytest.mark.parametrize(
    ("url", "problem", "hint"),
    [
        ("x://h/#regoin=eu", "unknown option 'regoin'", "Did you mean region?"),
        ("x://h/#zzz=1", "unknown option 'zzz'", "The options are region."),
        ("x://h/#region", "cannot be read", "reconciler explain stores"),
        ("x://h:port/", "cannot be read", "reconciler explain stores"),
        ("x://[h/", "cannot be read", "reconciler explain stores"),
        ("x://user:hunter2@h/", "holds a password", "Remove it"),
    ],
)
def test_what_a_url_may_not_hold(url, problem, hint):
    """Each mistake is told with its remedy, and a password is not repeated."""
    with pytest.raises(UsageError, match=problem) as caught:
        read_state_url(url, options=frozenset({"region"}))
    assert hint in caught.value.hint
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_a_store_without_options_says_so():
    """There is nothing to suggest."""
    with pytest.raises(UsageError) as caught:
        read_state_url("x://h/#a=b")
    assert "has no options" in caught.value.hint


@pytest.mark.parametrize(("value", "is_set"), [("true", True), ("false", False)])
def test_a_switch_is_true_or_false(value, is_set):
    """Left out it is false; anything else is refused."""
    options = frozenset({"path-style"})
    assert read_state_url(f"x://h/#path-style={value}", options=options).is_set("path-style") is is_set
    assert not read_state_url("x://h/", options=options).is_set("path-style")
    with pytest.raises(UsageError, match="is 'yes'"):
        read_state_url("x://h/#path-style=yes", options=options).is_set("path-style")

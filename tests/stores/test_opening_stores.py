"""From a state URL to its store: schemes, stores of installed packages, options, and what no URL may hold."""

import sys
import textwrap

import pytest

from reconciler.model.errors import UsageError
from reconciler.stores.opening import open_store
from reconciler.stores.urls import read_state_url

PACKAGE = textwrap.dedent(
    """
    from reconciler.stores.file import FileStore

    def open_shelf(url, *, root):
        return FileStore(root / "shelf" / url.partition("//")[2], location=url)
    """
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a package importable that has the given entry points of the group `reconciler.stores`."""

    def make(*entries, code=PACKAGE):
        site = tmp_path / "site"
        info = site / "shelves-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelves\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(("[reconciler.stores]", *entries)))
        (site / "shelves.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "shelves", raising=False)  # another test's
        return site

    return make


def test_an_installed_package_adds_a_store(install, tmp_path):
    """Its entry point is named as the scheme, and gets the URL and the workspace's directory."""
    install("shelf = shelves:open_shelf")
    store = open_store("shelf://s.json", root=tmp_path)
    store.write(b"one", replacing=None)
    assert store.location == "shelf://s.json"
    assert (tmp_path / "shelf" / "s.json").read_bytes() == b"one"


def test_an_installed_package_cannot_take_the_place_of_a_built_in_store(install, tmp_path):
    """What `file:` means is not for others to say."""
    install("file = shelves:open_shelf")
    open_store("file:s.json", root=tmp_path).write(b"one", replacing=None)
    assert (tmp_path / "s.json").exists()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("shelf = shelves:nothing_such", PACKAGE),
        ("shelf = shelves:open_shelf", "import no_such_package"),
        ("shelf = shelves:open_shelf", "raise ValueError('no')"),
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
        ("x://h/#region", "cannot be read", "docs/backends.md"),
        ("x://h:port/", "cannot be read", "docs/backends.md"),
        ("x://[h/", "cannot be read", "docs/backends.md"),
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

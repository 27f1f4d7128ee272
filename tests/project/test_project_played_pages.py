"""Every command of the README, the tutorial and the how-to guides works as the page shows it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from page_shell import ROOT
from played_pages import PageFailed, is_as_shown, play, steps

PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/how-to").glob("*.md")))
    if page.is_file()
]
WIDEST_COMMAND = 108
"""In columns: about what a screen of 1280 pixels shows of a page."""


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_page_is_played_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    """A reader who follows the page sees what the page shows, and is left with no copy that `sed` made."""
    play(page, tmp_path, name=str(page.relative_to(ROOT)))
    assert not [*tmp_path.rglob("*.old"), *tmp_path.rglob("*.bak")]


def test_no_page_shows_the_year_of_the_exams_that_init_makes() -> None:
    """They are some years ahead of today, so next year a page that shows theirs would be wrong."""
    year = str(datetime.now(UTC).year + 4)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if "init --example" in text:
            wrong = [step.line for step in steps(text, page.name) if year in " ".join(step.shown)]
            assert not wrong, f"{page.name}: write `…` in place of {year} below the commands of lines {wrong}"


def test_no_command_of_a_page_is_much_wider_than_the_page() -> None:
    r"""It goes on after a `\`, so that it is read without scrolling."""
    wide = [
        f"{page.name}: {line}"
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("$ ") and len(line) > WIDEST_COMMAND
    ]
    assert not wide


def played(tmp_path: Path, text: str, timeout_s: float = 30) -> None:
    """Play a page with this text."""
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    play(page, tmp_path / "played", timeout_s=timeout_s)


def test_the_commands_of_a_page_share_one_bash(tmp_path: Path) -> None:
    """Files, folders, variables, exit codes and things in the background stay for the next command."""
    played(
        tmp_path,
        "# A page\n\n"
        '```yaml title="exams/a b.yaml"\n# it\'s $HOME\n```\n\n'
        "- in a list:\n\n  ```sh\n  # a comment\n  cd exams\n  sleep 300 &\n"
        "  for one in a \\\n    b; do\n    list+=$one\n  done\n  ```\n\n"
        "```console\n$ cat *.yaml; echo $list\n# it's $HOME\nab\n"
        "$ cat <<END\n> not a prompt\nEND\n> not a prompt\n"
        "$ echo mistake >&2; false\nmistake\n$ (exit 7)\n$ echo $?\n7\n```\n\n"
        "```text\n$ only shown\n```\n\n<!-- not played: it is real -->\n```sh\nexit 9\n```\n",
    )


def test_an_id_that_a_reader_copies_is_the_one_that_was_printed(tmp_path: Path) -> None:
    """A page shows an id of its own; commands and files that repeat it get that of this run."""
    shown, sid = "0" * 32, f"EX{'1' * 32}"
    played(
        tmp_path,
        "```console\n$ id=$(openssl rand -hex 16); echo locked by $id on ${id}8; echo EX$id\n"
        f"locked by {shown} on …\n{sid}\n$ [ $id = {shown} ] && [ EX$id = {sid} ]\n```\n\n"
        f'```csv title="sheet.csv"\n{sid}\n```\n\n```sh\n[ EX$id = "$(cat sheet.csv)" ]\n```\n',
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "```console\n$ true\n$ echo one; echo two\none\nthree\n```\n",
            "page.md:3: `echo one; echo two` prints",
        ),
        ("```console\n$ echo one; echo two\none\n```\n", "+two"),
        ("```console\n$ echo one\n…\ntwo\n…\n```\n", "-two"),
        ("Text.\n\n```sh\necho why; false\n```\n", "page.md:4: `echo why; false` exits with 1:\nwhy"),
        ("```console\n$ echo one; false\no…\n```\n", "page.md:2: `echo one; false` exits with 1"),
        ("```sh\nexit 0\ntrue\n```\n", "page.md:2: `exit 0`: the shell has ended"),
        ("```sh\ntrue\n```\n\n```sh\ntrue\n", "page.md:5: this block is not closed"),
        ("```sh\ntrue\n```\n\n```\n", "page.md:5: this block is not closed"),
        ("```text\n$ true\n```\n", "page.md:1: this page has no command"),
        ("```bash\ntrue\n```\n", "page.md:1: write `console` or `sh`"),
        ("```console\ntrue\n```\n", "page.md:2: a console block begins"),
        ("```sh\nif true\n```\n", "page.md:2: bash does not take this"),
        ("!!! note\n\n    ```sh\n    true\n    ```\n", "page.md:3: this block is indented"),
        ("<!-- not played -->\n```sh\ntrue\n```\n", "page.md:1: write `<!-- not played: REASON -->`"),
        ('```sh title="../out.sh"\ntrue\n```\n', "page.md:1: ../out.sh is outside of the page's folder"),
    ],
)
def test_a_page_that_shows_what_is_not_so_fails(text: str, message: str, tmp_path: Path) -> None:
    """The message names page and line, and shows what was printed."""
    with pytest.raises(PageFailed) as raised:
        played(tmp_path, text)
    assert message in str(raised.value)


def test_a_command_that_does_not_end_fails(tmp_path: Path) -> None:
    """It is ended, with all that it printed until then in the message."""
    with pytest.raises(
        PageFailed, match=r"page.md:2: `echo begun; sleep 300`: still running after 1 s:\nbegun"
    ):
        played(tmp_path, "```sh\necho begun; sleep 300\n```\n", timeout_s=1)


def test_a_page_that_leaves_something_running_fails(tmp_path: Path) -> None:
    """What has left the page's group of processes cannot be ended with it."""
    left = "import os, time; os.setsid(); print('begun', flush=True); time.sleep(3)"
    with pytest.raises(TimeoutError):
        played(tmp_path, f'```console\n$ python -c "{left}" &\nbegun\n```\n', timeout_s=1)


def test_what_differs_in_every_run_is_not_compared() -> None:
    """SIDs, digests, attempts and times of now are any; the kind of a SID and times of exams are not."""
    sid, other, digest = "0123456789abcdef" * 2, "f" * 32, "0" * 64
    now, later = "Sun 2026-11-29 07:32:03 EST (12:32:03 UTC)", "Sat 2020-02-01 00:00:00 UTC"
    assert is_as_shown((f"EX{sid} sha256:{digest} {now}",), f"EX{other} sha256:{digest[:-1]}1 {later}\n")
    assert is_as_shown(("EX… sha256:…",), f"EX{sid} sha256:{digest}\n")
    assert not is_as_shown((f"EX{sid}",), f"CU{sid}\n")
    assert not is_as_shown(("2031-10-06 09:00",), "2031-10-06 08:00\n")
    assert is_as_shown(("created  a", "created  b"), "created  b\ncreated  a\n")
    assert not is_as_shown(("a", "b"), "b\na\n")


def test_the_reconciler_of_a_page_is_the_code_under_test(tmp_path: Path) -> None:
    """A sandbox of a page has a port of its own, which the page and what is printed call 8400."""
    page = (
        "```console\n$ python -c 'import reconciler; print(reconciler.__file__)'\n"
        f"{ROOT}/reconciler/__init__.py\n"
        "$ reconciler sandbox &\nsandbox: listening on http://127.0.0.1:8400\n"
        "$ reconciler init --example --quiet && grep apiUrl: reconciler.yaml\n…\n    apiUrl: http://127.0.0.1:8400\n…\n```\n"
    )
    played(tmp_path, page)

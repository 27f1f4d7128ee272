"""Rules of plug-ins: the example works installed, and no plug-in can break a run."""

import itertools
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zygote
from rule_bench import BASE, loaded

from reconciler.model.diagnostics import Severity
from reconciler.rules.plugins import find_rules
from reconciler.rules.registry import RuleRegistry
from reconciler.rules_api import Context, Exam, Finding, Rule

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules-plugin"
SUNDAY = "  configuration: {examOpenDate: 2031-12-14T20:00, examCloseDate: 2031-12-14T22:00}\n"
MANIFEST = f"{BASE}exams:\n  a/x:\n    title: Final Exam\n  {SUNDAY}"
OPEN_LINE = BASE.count("\n") + 4


def install(target: Path, source: str, value: str = "acme:RULES", name: str = "acme") -> None:
    """What pip leaves in `target` for a package with one module and one entry point."""
    info = target / f"{name}-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(f"[reconciler.rules]\n{name} = {value}\n")
    (target / f"{name}.py").write_text(source)


def run(root: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command, in `root`, with the packages in `path` installed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    (root / "exams.yaml").write_text(MANIFEST, encoding="utf-8")
    done = zygote.run(*arguments, cwd=root, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A directory for installed packages, away from the workspace."""
    made = tmp_path / "site"
    made.mkdir()
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory of a workspace."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built and installed by pip into a directory of its own, without a network."""
    made = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--no-index", "--no-build-isolation", "--target", str(made), str(EXAMPLE)),
        ],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return made


def test_the_example_finds_what_it_says(root: Path, example: Path) -> None:
    """Once installed, its rules fire at the values that they name, with the weight that they have."""
    done = run(root, "validate", path=example)
    assert done.returncode == 1
    assert (
        f"exams.yaml:{OPEN_LINE - 1}:12: warning[acme/course-in-title]: the title does not begin"
        in done.stdout
    )
    assert (
        f"exams.yaml:{OPEN_LINE}:35: error[acme/exam-day]: the exam window opens on a Sunday" in done.stdout
    )
    assert run(root, "validate").returncode == 0


def test_the_rules_of_the_example_are_weighed_ignored_and_explained(root: Path, example: Path) -> None:
    """A workspace, a line and `explain` treat a plug-in's rule like any other."""
    (root / "reconciler.yaml").write_text("version: 1\nrules: {acme/exam-day: off}\n")
    assert run(root, "validate", path=example).returncode == 0
    assert "acme/exam-day" in run(root, "validate").stdout  # without the plug-in it is an unknown rule
    assert "closed on Sundays" in run(root, "explain", "acme/exam-day", path=example).stdout
    assert "a title without its course" in run(root, "explain", "acme/course-in-title", path=example).stdout
    assert "`acme/exam-day`: an exam window" in run(root, "explain", path=example).stdout


def test_the_example_names_an_entry_point_of_the_documented_group() -> None:
    """The example, its page and the documentation name one group."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["reconciler.rules"] == {"acme": "acme_exam_rules:RULES"}


HEAD = "from reconciler.rules_api import *\n"
RULE = HEAD + "def check(exams, context):\n    {}\nRULES = [Rule(code='acme/a', summary='a', check=check)]\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import no_such_module\n",
            "the rules of the plug-in 'acme' (acme:RULES) cannot be loaded: ModuleNotFoundError",
        ),
        ("RULES: int = (\n", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(3)\n", "cannot be loaded: SystemExit: 3"),
        ("x = 1\n", "cannot be loaded: AttributeError"),
        ("RULES = 3\n", "cannot be loaded: it names neither a Rule nor a list of them"),
        (RULE.replace("acme/a", "no-password"), "a rule's code must be vendor/code"),
        (RULE.replace("summary=", "severity='error', summary="), "must be a Severity and a Basis"),
        (RULE.replace("RULES = [", "RULES = 2 * ["), "the rule acme/a is defined twice"),
        (RULE.format("1 / 0"), "the rule 'acme/a' of a plug-in failed: ZeroDivisionError"),
        (RULE.format("raise SystemExit"), "the rule 'acme/a' of a plug-in failed: SystemExit"),
        (RULE.format("return 3"), "the rule 'acme/a' of a plug-in failed: TypeError"),
        (RULE.format("return ['x']"), "something other than a Finding"),
        (RULE.format("return [Finding(exam=3, message='', hint='')]"), "something other than a Finding"),
        (RULE.format("return [Finding(exam=dict(), message='', hint='')]"), "failed: TypeError"),
        (RULE.format("return [Finding(exam=exams[0], message=3, hint='')]"), "must be text"),
        (RULE.format("return [Finding(exam=exams[0], message='', hint='', path=3)]"), "must be tuples"),
        (
            RULE.format("return [Finding(exam=exams[0], message='', hint='', path=([],))]"),
            "must be tuples of keys",
        ),
        (RULE.format("return [Finding(exam=exams[0], message='', hint='', others=3)]"), "failed: TypeError"),
        (
            RULE.format("return [Finding(exam=exams[0], message='', hint='', copied_from=3)]"),
            "compared with something other than",
        ),
        (RULE.format("return [Finding(exam=exams[0], message='', hint='', cause=3)]"), "must be text"),
        (RULE.format("class E(Exception): __str__ = None\n    raise E"), "E: and it cannot say why"),
        (RULE.format("raise RuntimeError('a\\nb\\x1b[31m' * 999)"), "RuntimeError: a b"),
    ],
)
def test_a_plugin_that_fails_is_a_finding(
    root: Path, target: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    """Whatever a plug-in does, it is named in one line that is not long."""
    install(target, source.replace("{}", "return ()"))
    monkeypatch.syspath_prepend(target)
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    found = loaded(root, MANIFEST, registry=find_rules(root)).diagnostics
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    (failed,) = (each for each in found if each.code == "plugin-failed")
    assert failed.severity is Severity.ERROR
    assert reason in failed.message
    assert len(failed.message) < 300
    assert "\n" not in failed.message


def test_what_a_plugin_says_is_tamed(root: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half characters, escape sequences and endless texts end where they enter."""
    odd = "'cut\\ud83d\\n\\x1b[2J' * 999"
    install(target, RULE.format(f"return [Finding(exam=exams[0], message={odd}, hint={odd})]"))
    monkeypatch.syspath_prepend(target)
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    found = loaded(root, MANIFEST, registry=find_rules(root)).diagnostics
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    (finding,) = (each for each in found if each.code == "acme/a")
    for text in (finding.message, finding.hint):
        assert text.startswith("cut\ufffd \ufffd[2J")
        assert text.isprintable()
        assert len(text) <= 1_000


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_module\n",
        RULE.format("raise SystemExit(3)"),
        RULE.format("raise RuntimeError('\\x1b[31m')"),
    ],
)
def test_a_plugin_that_fails_makes_no_traceback(root: Path, target: Path, source: str) -> None:
    """The command reports it like any other finding, and what it said does not steer the terminal."""
    install(target, source)
    done = run(root, "validate", path=target)
    assert done.returncode == 1
    assert "error[plugin-failed]" in done.stdout
    assert "\x1b" not in done.stdout


def test_an_archive_on_the_path_is_looked_into(
    root: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is no directory neither hides plug-ins nor stops the search."""
    archive = target / "empty.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("nothing.txt", "")
    (target / "site" / "x.dist-info" / "entry_points.txt").mkdir(parents=True)
    monkeypatch.syspath_prepend(archive)
    monkeypatch.syspath_prepend(target / "site")
    assert find_rules(root).rules == RuleRegistry().rules


def test_the_other_rules_are_asked_all_the_same(root: Path, target: Path) -> None:
    """One rule that fails takes neither its own findings nor those of others with it."""
    body = "yield Finding(exam=exams[0], message='noticed before', hint='h')\n    raise ValueError"
    install(
        target,
        RULE.format(body) + "RULES.append(Rule(code='acme/b', summary='b', check=lambda e, c: "
        "[Finding(exam=e[0], message='noticed by b', hint='h', path=('title',))]))\n",
    )
    printed = run(root, "validate", path=target).stdout
    assert "warning[acme/a]: noticed before" in printed
    assert "warning[acme/b]: noticed by b" in printed
    assert "acme/a' of a plug-in failed: ValueError" in printed


def test_a_plugin_that_fails_can_be_weighed(root: Path, target: Path) -> None:
    """A workspace that does not rely on a plug-in goes on without it."""
    install(target, "1 / 0\n")
    (root / "reconciler.yaml").write_text("version: 1\nrules: {plugin-failed: warning}\n")
    assert run(root, "validate", path=target).returncode == 0
    (root / "reconciler.yaml").write_text("version: 1\nrules: {plugin-failed: off}\n")
    assert "no problems found" in run(root, "validate", path=target).stdout


def test_nothing_in_the_repository_is_a_plugin(root: Path) -> None:
    """What looks installed in the working directory is not loaded, not even by `python -m`."""
    install(root, "from pathlib import Path\nPath('was-here').touch()\nRULES = []\n")
    for arguments in (["validate"], ["explain"], ["--chdir", str(root), "validate"]):
        assert run(root, *arguments).returncode == 0
    assert not (root / "was-here").exists()


def spoil(exams: tuple[Exam, ...], _: object) -> tuple[()]:
    """A check that writes into what it is given."""
    for exam in exams:
        exam.payload["title"] = "spoilt"  # type: ignore[index]
        exam.payload["configuration"].clear()  # type: ignore[index,union-attr]
    return ()


def test_a_plugin_cannot_change_what_is_sent(tmp_path: Path) -> None:
    """Payloads that a plug-in sees are copies."""
    rule = Rule(code="acme/spoil", summary="nothing", check=spoil)  # type: ignore[arg-type]
    (exam,) = loaded(tmp_path, MANIFEST, registry=RuleRegistry((rule,))).declared.exams
    assert exam.payload["title"] == "Final Exam"
    assert "password" in exam.payload["configuration"]  # type: ignore[operator]


def go_on(exams: Sequence[Exam], _: Context) -> Iterator[Finding]:
    """A check that never stops."""
    for number in itertools.count():
        yield Finding(exam=exams[0], message=f"{number}", hint="h")


def test_a_plugin_that_never_stops_is_stopped(tmp_path: Path) -> None:
    """Findings without end are cut."""
    rule = Rule(code="acme/endless", summary="too much", check=go_on)
    assert len(loaded(tmp_path, MANIFEST, registry=RuleRegistry((rule,))).diagnostics) == 1_000


def test_without_plugins_there_are_the_built_in_rules(root: Path) -> None:
    """The registry of this environment is the product's."""
    registry = find_rules(root)
    assert registry.rules == RuleRegistry().rules
    assert registry.faults == ()
    assert all(rule.severity in Severity for rule in registry.rules)

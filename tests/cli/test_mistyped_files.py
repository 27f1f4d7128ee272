"""A mistyped file or directory gets the one that was probably meant."""

import pytest
from exam_workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with a state and files of each kind that a command takes."""
    made = Workspace(tmp_path_factory.mktemp("typed"))
    made.declare("a")
    made.run("init")
    made.run("plan", "--out", "plan.json")
    for name in ("finals.csv", "columns.yml", "token.txt", "odd\x1b[31mname.csv"):
        made.write("", name)
    (made.root / "autumn").mkdir()
    made.write("", "autumn/cs101.yaml")
    return made


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("validate exmas.yaml", "exams.yaml"),
        ("plan exams.yml", "exams.yaml"),
        ("plan autmn", "autumn/"),
        ("plan autumn/cs110.yaml", "autumn/cs101.yaml"),
        ("--chdir autmn plan", "autumn"),
        ("show pln.json", "plan.json"),
        ("apply --auto-approve --expect plan.jsn", "plan.json"),
        ("apply --auto-approve --token-file tokn.txt", "token.txt"),
        ("draft --from final.csv", "finals.csv"),
        ("draft --from autmn/final.csv", "autumn"),
        ("draft --from finals.csv --map columns.yaml", "columns.yml"),
        ("draft --from oddname.csv", r"odd\x1b[31mname.csv"),
        ("check --against finals.cvs", "finals.csv"),
        ("resolve --from finls.csv", "finals.csv"),
        ("state push exams.stat.json", "exams.state.json"),
        ("state restore exams.stat.json", "exams.state.json"),
        ("accept cs/a --manifest exmas.yaml", "exams.yaml"),
        ("init --state fil:x.json", "file"),
    ],
)
def test_a_mistyped_name_gets_what_was_meant(workspace, line: str, meant: str) -> None:
    """Whichever argument or option it is given to; a name from the disk is made printable."""
    said = workspace.refused(*line.split()).casefold()
    assert f"did you mean '{meant.casefold()}'?" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("line", ["validate other.yaml", "show other.json", "draft --from a/b/c.csv"])
def test_a_name_like_none_gets_no_guess(workspace, line: str) -> None:
    """A wrong guess would mislead."""
    assert "did you mean" not in workspace.refused(*line.split()).casefold()

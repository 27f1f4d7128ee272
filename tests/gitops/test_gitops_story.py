"""The example repository, played from its own workflow files with real git repositories and the sandbox."""

import csv
import io
import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from github_api import GitHubApi, Refusal
from workflow_runner import REPOSITORY, TOKEN, GitHub, git

from reconciler.cli import main
from reconciler.sandbox.running import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "gitops"
ENVIRONMENTS = ("staging", "production")
SECRET = "correct horse"
MATHEMATICS = "exams/mathematics/math120.yaml"
QUIZ = """
  math120/{name}:
    course: math120
    title: MATH 120 {name}
    url: https://canvas.example.edu/courses/120/{name}
    configuration:
      examOpenDate: 2031-11-0{day}T09:00
      examCloseDate: 2031-11-0{day}T17:00
      duration: 30
      password: {{ fromFile: math120/{name} }}
"""


class Story:
    """A department's clone, and what happens to what it pushes."""

    def __init__(self, root, api, sandboxes):
        self.site = GitHub(root, api)
        self.api, self.sandboxes = api, sandboxes
        self.clone = root / "clone"
        self.proposed_from = REPOSITORY
        self.clone.mkdir()
        self._fill_in()
        self._set_up_runner()
        for name in ENVIRONMENTS:
            self._publish(name)

    def _fill_in(self):
        """The example, with the service's addresses filled in, becomes the repository's main branch."""
        git("init", "--quiet", "--bare", str(self.site.origin), cwd=self.clone)
        git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=self.site.origin)
        git("init", "--quiet", "--initial-branch", "main", cwd=self.clone)
        git("remote", "add", "origin", str(self.site.origin), cwd=self.clone)
        shutil.copytree(EXAMPLE, self.clone, dirs_exist_ok=True)
        text = self.read("reconciler.yaml")
        for written, ours in (
            ("https://staging.smarterproctoring.example.edu", self.sandboxes["staging"].url),
            ("https://api.smarterproctoring.com", self.sandboxes["production"].url),
            ("/var/lib/exams", str(self.site.disk)),
        ):
            assert written in text
            text = text.replace(written, ours)
        (self.clone / "reconciler.yaml").write_text(text)
        self.commit("main")

    def _set_up_runner(self):
        """What the README has one do on the runner: an empty state for each environment, and the secrets."""
        quizzes = ("unseen", "midterm", *(f"quiz-{number}" for number in range(1, 26)))
        of_quizzes = (f"math120/{name}" for name in quizzes)
        for name in ("cs101/midterm-1", "cs101/final", "cs210/midterm", *of_quizzes):
            secret = self.site.disk / "secrets" / name
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_text(SECRET)
        (self.site.disk / "state").mkdir()
        for name in ENVIRONMENTS:
            assert main(["init", "--state", f"file:{self.state_file(name)}", "--quiet"]) == 0

    def _publish(self, environment):
        """The first copy of a state, as the report makes it."""
        folder = self.site.root / f"first-{environment}"
        git("init", "--quiet", str(folder), cwd=self.site.root)
        shutil.copy(self.state_file(environment), folder / "exams.state.json")
        git("add", "--all", cwd=folder)
        git("commit", "--quiet", "--message", "first", cwd=folder)
        git("push", "--quiet", str(self.site.origin), f"HEAD:refs/heads/state/{environment}", cwd=folder)

    def state_file(self, environment):
        """Where the state itself is."""
        return self.site.disk / "state" / f"{environment}.state.json"

    def state(self, environment):
        """The state itself."""
        return json.loads(self.state_file(environment).read_text())

    def read(self, name):
        """The text of a file of the clone."""
        return (self.clone / name).read_text()

    def commit(self, branch):
        """Commit what is in the clone, and push it to `branch`; the commit."""
        git("add", "--all", cwd=self.clone)
        git("commit", "--quiet", "--message", "exams", cwd=self.clone)
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", cwd=self.clone)
        return self.head()

    def head(self):
        """The last commit of the clone's branch."""
        return git("rev-parse", "HEAD", cwd=self.clone)

    def propose(self, branch, block, name=MATHEMATICS):
        """Open a pull request that adds `block` to the department's file or another, and have it planned."""
        git("checkout", "--quiet", "-b", branch, "main", cwd=self.clone)
        with (self.clone / name).open("a") as file:
            file.write(block)
        head = self.commit(branch)
        pull = self.api.open_pull_request(head)
        return pull, self.plan(pull)

    def plan(self, pull):
        """Plan a pull request: its workflow runs on the commit that its merge would make."""
        event = {"pull_request": {"number": pull.number, "head": {"repo": {"full_name": self.proposed_from}}}}
        run = self.site.run("plan.yml", "pull_request", pull.head, event)
        status = "failure" if run.failed else "success"
        self.api.runs.append(
            {
                "id": run.id,
                "workflow": "plan.yml",
                "head": pull.head,
                "event": "pull_request",
                "status": status,
            }
        )
        return run

    def merge(self, pull):
        """Merge a pull request; the commit on main."""
        git("checkout", "--quiet", "main", cwd=self.clone)
        git("merge", "--quiet", "--no-ff", "--message", "merge", pull.head, cwd=self.clone)
        git("push", "--quiet", "origin", "main", cwd=self.clone)
        pull.merged_as = self.head()
        return pull.merged_as

    def apply(self, sha):
        """What a push to main starts."""
        return self.site.run("apply.yml", "push", sha)

    def report(self):
        """What the schedule starts."""
        return self.site.run("report.yml", "schedule", git("rev-parse", "main", cwd=self.clone))

    def published(self, environment):
        """The copy of the state that plans read."""
        return json.loads(git("show", f"state/{environment}:exams.state.json", cwd=self.site.origin))

    def titles(self, environment):
        """The exams that the service has, each as often as it has it."""
        return sorted(exam["body"]["title"] for exam in self.sandboxes[environment].created)


@pytest.fixture
def story(tmp_path):
    """The example in use: nothing is created yet, and the empty states are published."""
    with GitHubApi() as api, running() as staging, running() as production:
        yield Story(tmp_path, api, {"staging": staging, "production": production})


def artifact(story, run, environment):
    """The plan's document that the run kept for the merge."""
    return json.loads((story.site.artifacts[run.id][f"plan-{environment}"] / "plan.json").read_text())


def reports_on(pull, environment):
    """The comments of apply on a merged pull request."""
    marker = f"<!-- reconciler:apply environment={environment} "
    return [comment["body"] for comment in pull.comments if comment["body"].startswith(marker)]


def actions(document):
    """What a plan would do to each exam."""
    return {change["address"]: change["action"] for change in document["changes"]}


def test_a_pull_request_is_planned_and_its_merge_creates_what_it_showed(story):
    """Plan, comment, artifact; merge, apply to both; an orphan is told; a rerun sends nothing."""
    pull, run = story.propose("quiz", QUIZ.format(name="quiz-1", day=1))
    assert not run.failed, run.log
    for environment in ENVIRONMENTS:
        assert artifact(story, run, environment)["summary"]["create"] == 5
        assert "math120/quiz-1" in run.job("plan", environment=environment).summary
    assert len(pull.comments) == len(ENVIRONMENTS)
    assert story.api.tokens == {f"Bearer {TOKEN}"}
    assert story.titles("production") == []

    sha = story.merge(pull)
    applied = story.apply(sha)
    assert not applied.failed, applied.log
    for environment in ENVIRONMENTS:
        assert len(story.titles(environment)) == len(set(story.titles(environment))) == 5
        assert story.published(environment) == story.state(environment)
        sids = [entry["sid"] for entry in story.state(environment)["exams"].values()]
        (comment,) = reports_on(pull, environment)
        kept = (story.site.artifacts[applied.id][f"report-{environment}"] / "apply-report.json").read_text()
        for text in (comment, kept, applied.job("apply", environment=environment).summary):
            assert all(sid in text for sid in sids)

    (story.clone / "exams/computer-science/cs210.yaml").unlink()
    story.commit("main")
    told = story.report()
    assert told.failed
    assert "::warning title=Exam orphaned::cs210/midterm" in told.log
    again = story.apply(sha)
    assert not again.failed, again.log
    assert len(story.titles("production")) == 5
    assert [len(reports_on(pull, environment)) for environment in ENVIRONMENTS] == [2, 2]
    for text in (run.log, applied.log, again.log, *(comment["body"] for comment in pull.comments)):
        assert SECRET not in text
        assert "a.token.x" not in text


def test_what_exists_in_one_environment_is_imported_there_and_not_made_a_second_time(story):
    """`settled/staging.yaml` is read for staging only, whether a workflow or a person applies."""
    imports = f"imports: [{{ exam: math120/midterm, sid: EX{7:032x} }}]"
    settled = story.clone / "settled/staging.yaml"
    settled.write_text(settled.read_text().replace("imports: []", imports))
    pull, run = story.propose("import", QUIZ.format(name="quiz-1", day=1))
    shown = {name: actions(artifact(story, run, name))["math120/midterm"] for name in ENVIRONMENTS}
    assert shown == {"staging": "import", "production": "create"}
    applied = story.apply(story.merge(pull))
    assert not applied.failed, applied.log
    assert "MATH 120 Midterm Exam" not in story.titles("staging")
    assert story.state("staging")["exams"]["math120/midterm"]["sid"] == f"EX{7:032x}"
    assert story.titles("production").count("MATH 120 Midterm Exam") == 1
    for name in ENVIRONMENTS:
        arguments = ("--chdir", str(story.clone), "plan", "--env", name, "--detailed-exitcode")
        assert main([*arguments]) == 0


def test_a_change_made_by_hand_in_one_environment_is_accepted_there_by_a_pull_request(story):
    """The plan's own entry goes into settled/production.yaml; staging's exam stays `changed`."""
    pull, _ = story.propose("quiz", QUIZ.format(name="quiz-1", day=1))
    story.apply(story.merge(pull))
    manifest = story.clone / MATHEMATICS
    manifest.write_text(manifest.read_text().replace("duration: 30", "duration: 45"))
    pull, run = story.propose("longer", "")
    line = next(one for one in artifact(story, run, "production")["changes"] if one["action"] == "changed")
    settled = story.clone / "settled/production.yaml"
    settled.write_text(settled.read_text().replace("accepted: []", line["accept"]["manifest"]))
    pull.head = story.commit("longer")
    run = story.plan(pull)
    shown = {name: actions(artifact(story, run, name))["math120/quiz-1"] for name in ENVIRONMENTS}
    assert shown == {"staging": "changed", "production": "accept"}
    assert "changed by hand" in run.job("plan", environment="production").summary
    applied = story.apply(story.merge(pull))
    assert not applied.failed, applied.log
    assert [one["address"] for one in story.published("production")["acceptances"]] == ["math120/quiz-1"]
    assert "acceptances" not in story.state("staging")
    assert len(story.titles("production")) == 5
    done = ("--chdir", str(story.clone), "plan", "--env", "production", "--detailed-exitcode")
    assert main([*done]) == 0


def test_what_no_pull_request_showed_is_not_created(story):
    """A push past review has no plan, and a plan that lacks an exam lets none be sent."""
    with (story.clone / MATHEMATICS).open("a") as file:
        file.write(QUIZ.format(name="quiz-1", day=1))
    pushed = story.apply(story.commit("main"))
    assert pushed.failed
    assert "no pull request was merged as" in pushed.log
    assert [job.name for job in pushed.jobs] == ["reviewed"]

    pull, _ = story.propose("quiz", QUIZ.format(name="quiz-2", day=2))
    git("checkout", "--quiet", "main", cwd=story.clone)
    (story.clone / "exams/computer-science/cs999.yaml").write_text(
        story.read(MATHEMATICS).split("exams:")[0] + "exams:" + QUIZ.format(name="unseen", day=3)
    )
    story.commit("main")
    refused = story.apply(story.merge(pull))
    assert refused.failed
    assert "math120/unseen" in refused.log
    assert story.titles("staging") == story.titles("production") == []


def test_two_merges_at_the_same_time_create_each_exam_once(story):
    """The second apply waits for the first one's lock, and then creates only what is left."""
    first, _ = story.propose("one", QUIZ.format(name="quiz-1", day=1))
    first_sha = story.merge(first)
    second, run = story.propose("two", QUIZ.format(name="quiz-2", day=2))
    assert artifact(story, run, "production")["summary"]["create"] == 6
    second_sha = story.merge(second)
    story.sandboxes["staging"].misbehave("latency:seconds=2,times=5")
    runs = []
    thread = threading.Thread(target=lambda: runs.append(story.apply(first_sha)))
    thread.start()
    deadline = time.monotonic() + 60
    while not story.sandboxes["staging"].requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    runs.append(story.apply(second_sha))
    thread.join()
    for run in runs:
        assert not run.failed, run.log
    for environment in ENVIRONMENTS:
        assert len(story.titles(environment)) == len(set(story.titles(environment))) == 6
        assert set(story.published(environment)["exams"]) == set(story.state(environment)["exams"])


def test_a_killed_apply_is_recovered_by_a_pull_request(story):
    """Killed, exams are in doubt; the report tells; a reviewed block settles each; none is twice."""
    pull, _ = story.propose("quiz", QUIZ.format(name="quiz-1", day=1))
    story.site.on_runner["production"] = {"RECONCILER_FAULT": "answered=kill@1"}
    killed = story.apply(story.merge(pull))
    assert killed.job("apply", environment="production").failed
    assert not killed.job("apply", environment="staging").failed
    story.site.on_runner.clear()
    (comment,) = reports_on(pull, "production")
    assert "without a report for production.** The run says why" in comment
    # The state is a file on the runners' disk, beside its log, so it needs no recovery file.
    assert not any(name.startswith("recovery-") for name in story.site.artifacts[killed.id])

    doubtful = story.published("production")["intents"]
    assert doubtful
    told = story.report()
    assert told.job("report", environment="production").failed
    assert not told.job("report", environment="staging").failed
    assert all(f"::warning title=Exam in doubt::{address}" in told.log for address in doubtful)

    sids = {exam["body"]["title"]: exam["sid"] for exam in story.sandboxes["production"].created}
    found = {address: sids.get(_title(story, address)) for address in doubtful}
    settled = "settled/production.yaml"
    git("checkout", "--quiet", "main", cwd=story.clone)
    (story.clone / settled).write_text(
        json.dumps(
            {
                "version": 1,
                "imports": [{"exam": one, "sid": sid} for one, sid in found.items() if sid],
                "absent": [
                    {"exam": one, "attempt": doubtful[one]["attempt"]}
                    for one, sid in found.items()
                    if not sid
                ],
            }
        )
    )
    mending, run = story.propose("mend", "\n", settled)
    shown = actions(artifact(story, run, "production"))
    assert all(shown[address] == ("import" if sid else "create") for address, sid in found.items())
    recovered = story.apply(story.merge(mending))
    assert not recovered.failed, recovered.log
    assert len(story.titles("production")) == len(set(story.titles("production"))) == 5
    assert story.state("production")["intents"] == {}
    assert len(story.state("production")["exams"]) == 5
    assert not story.report().failed


def test_a_refused_plan_fails_its_check_and_is_told(story):
    """Comment, summary, artifact and page have it; the line of its hint makes it pass."""
    text = story.read("reconciler.yaml")
    assert "maxCreates: 50\n" in text
    lower = text.replace("maxCreates: 50\n", "maxCreates: 4\n")
    (story.clone / "reconciler.yaml").write_text(lower)
    pull, run = story.propose("quiz", QUIZ.format(name="quiz-1", day=1))
    assert run.failed
    for environment in ENVIRONMENTS:
        job = run.job("plan", environment=environment)
        assert job.failed
        assert "too-many-creates" in job.summary
        assert artifact(story, run, environment)["refused"][0]["code"] == "too-many-creates"
        assert (
            "too-many-creates"
            in (story.site.artifacts[run.id][f"page-{environment}"] / "plan.html").read_text()
        )
    assert len(pull.comments) == len(ENVIRONMENTS)
    assert all("`maxCreates: 5`" in comment["body"] for comment in pull.comments)

    refused = story.apply(story.merge(pull))
    assert refused.failed
    assert "no run of plan.yml planned" in refused.log

    (story.clone / "reconciler.yaml").write_text(lower.replace("maxCreates: 4", "maxCreates: 5"))
    pull, run = story.propose("allow", "\n")
    assert not run.failed, run.log
    assert len(pull.comments) == len(ENVIRONMENTS)
    applied = story.apply(story.merge(pull))
    assert not applied.failed, applied.log
    assert len(story.titles("production")) == 5


def test_twenty_doubts_are_told_once_and_settled_by_one_sheet(story, capsys):
    """The merged pull request and the report have all; one sheet settles them; what is absent is created."""
    quizzes = [
        QUIZ.format(name=f"quiz-{day}", day=1).replace("2031-11-01", f"2031-11-{day}")
        for day in range(10, 26)
    ]
    pull, run = story.propose("quizzes", "".join(quizzes))
    assert not run.failed, run.log
    story.sandboxes["production"].misbehave("drop-after:every=2", "drop-before")
    applied = story.apply(story.merge(pull))
    assert applied.job("apply", environment="production").failed
    doubtful = story.published("production")["intents"]
    assert len(doubtful) == 20
    kept = story.site.artifacts[applied.id]["report-production"] / "apply-report.json"
    assert json.loads(kept.read_text())["summary"]["inDoubt"] == 20
    (comment,) = reports_on(pull, "production")
    assert "20 in doubt" in comment
    assert "`reconciler state list --in-doubt --env production`" in comment
    assert all(f"| `{address}` | `{one['attempt']}` |" in comment for address, one in doubtful.items())
    assert story.report().job("report", environment="production").failed

    story.sandboxes["production"].misbehave()
    sids = {exam["body"]["title"]: exam["sid"] for exam in story.sandboxes["production"].created}
    assert 0 < len(sids) < 20
    where = ("--state", f"file:{story.state_file('production')}")
    capsys.readouterr()
    assert main(["state", "list", "--in-doubt", "--format", "csv", *where]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    sheet = story.site.root / "doubts.csv"
    with sheet.open("w", newline="") as file:
        filled = csv.DictWriter(file, rows[0])
        filled.writeheader()
        filled.writerows({**row, "sid": sids.get(row["title"], "absent")} for row in rows)
    assert main(["resolve", "--from", str(sheet), *where]) == 0
    assert len(story.state("production")["exams"]) == len(sids)
    assert not story.report().failed

    pull, run = story.propose("go-on", "\n")
    shown = artifact(story, run, "production")["summary"]
    assert (shown["create"], shown["inDoubt"]) == (20 - len(sids), 0)
    assert not story.apply(story.merge(pull)).failed
    assert len(story.titles("production")) == len(set(story.titles("production"))) == 20


def _title(story, address):
    return next(
        change["after"]["title"]
        for kept in story.site.artifacts.values()
        for name, folder in kept.items()
        if name == "plan-production"
        for change in json.loads((folder / "plan.json").read_text())["changes"]
        if change["address"] == address and change["after"]
    )


def test_a_fork_is_planned_without_a_comment_and_a_mistake_fails_it(story):
    """A token that may only read is no failure: the summary has it. A mistake is one, and keeps none."""
    story.proposed_from = "somebody/exams"
    story.api.refusals["POST"] = Refusal(403)
    pull, run = story.propose("quiz", QUIZ.format(name="quiz-1", day=1))
    assert not run.failed, run.log
    assert pull.comments == []
    assert "math120/quiz-1" in run.job("plan", environment="production").summary

    _, run = story.propose("typo", QUIZ.format(name="quiz-1", day=1).replace("duration", "durration"))
    assert run.failed
    assert "durration" in run.log
    assert story.site.artifacts[run.id] == {}

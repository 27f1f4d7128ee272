"""The files that `init --example` writes: a manifest and a workspace file to begin with."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.model.errors import UsageError
from reconciler.model.words import listed

_YEARS_AHEAD: Final = 4
"""The exams are so far ahead that none of them is over soon, and not so far that a rule wonders."""
TAKEN: Final = ("reconciler.yaml", "reconciler.yml", "exams.yaml", "exams.yml", "exams")
"""Names that mean the same as one of the files, or that the workspace file would leave out."""

_WORKSPACE: Final = """\
# The workspace: which manifests there are, and to which service their exams go.
# `reconciler explain` describes each field.
version: 1
manifests: [exams.yaml] # later perhaps a folder of files: ["exams/**/*.yaml"]

# Where exams are created. `--env NAME` chooses; if there is only one, it need not be named.
environments:
  # A stand-in for the service on this machine. `reconciler sandbox` starts it.
  sandbox:
    apiUrl: http://127.0.0.1:8400
    state: file:exams.state.json # which exams were created: never lose it

  # The service itself, when you are ready:
  # production:
  #   apiUrl: https://api.smarterproctoring.com
  #   state: file:production.state.json
"""

_MANIFEST: Final = """\
# The exams of one term. Everything here is an example: put in your own, and look at what would happen.
#
#   `reconciler validate`   finds mistakes, and says in which line they are
#   `reconciler plan`       shows what would be created; changes nothing
#   `reconciler apply`      creates what is missing, and only that
version: 1

# IDs (SIDs) come from the service: that of your installation, and those of your courses.
installSid: AI00000000000000000000000000000000
courses:
  cs101: CU00000000000000000000000000000101 # a short name for the course

# The time zone of all times below, in the form Area/City. Summer time is taken care of.
timezone: America/New_York

# What an exam leaves out is taken from here.
defaults:
  course: cs101
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
  configuration:
    attempts: 1
    permittedBlankPaper: true

exams:
  # The name of an exam in this repository. Keep it: it is how an exam that was created is recognised.
  cs101/practice:
    # A title with ": ", " #" or brackets in it needs quotes.
    title: "[Practice] CS 101 Getting to Know the Proctoring"
    url: https://lms.example.edu/courses/101/quizzes/1
    configuration:
      # From when until when students may sit the exam: year-month-day, T, and the time of 24 hours.
      examOpenDate: YEAR-09-09T08:00
      examCloseDate: YEAR-09-20T20:00
      duration: 20 # minutes
      attempts: 10 # instead of the 1 of `defaults`
      # The access code of the quiz. It is never written here: `apply` reads it from this environment
      # variable, whose name begins with EXAM_SECRET_.
      password: { fromEnv: EXAM_SECRET_CS101_PRACTICE }

  cs101/midterm:
    title: CS 101 Midterm Exam
    description: Covers chapters 1 to 5.
    url: https://lms.example.edu/courses/101/quizzes/2
    configuration:
      examOpenDate: YEAR-10-07T09:00
      examCloseDate: YEAR-10-09T17:00
      duration: 75
      password: { fromEnv: EXAM_SECRET_CS101_MIDTERM }
      studentNotes: Please bring a photo ID.

  # An exam on paper has no quiz, and so neither a URL nor an access code.
  cs101/final:
    title: CS 101 Final Exam
    type: Written
    url: N/A
    configuration:
      examOpenDate: YEAR-12-16T09:00
      examCloseDate: YEAR-12-16T13:00
      duration: 180
"""


def refuse_where_taken(root: Path, state_url: str | None) -> None:
    """Raise UsageError if an example in `root` would replace a file, or hide one, or not use the state."""
    if state_url is not None:
        raise UsageError(
            "an example has a state of its own, so --example and --state do not go together",
            hint="Nothing was written. Leave out --state; reconciler.yaml will name the state.",
        )
    taken = [name for name in TAKEN if os.path.lexists(root / name)]
    if taken:
        raise UsageError(
            f"an example would get in the way of {listed(taken)}",
            hint="Nothing was written. Name an empty directory with --chdir, or leave out --example.",
        )


def write_example(root: Path, now: datetime) -> tuple[str, ...]:
    """Write a workspace file, and a manifest whose exams are some years after `now`; return their names."""
    files = {
        "reconciler.yaml": _WORKSPACE,
        "exams.yaml": _MANIFEST.replace("YEAR", f"{now.year + _YEARS_AHEAD}"),
    }
    for name, text in files.items():
        with (root / name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return tuple(files)

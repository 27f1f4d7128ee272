"""A workspace for end-to-end tests: a directory, a manifest, and the command run in it."""

import json
import os
import zlib

import zygote

SECRET = "correct horse"
MANIFEST = """
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses: {cs: CU1234567890abcdef1234567890abcdef}
defaults:
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
  configuration: {attempts: 1, password: {fromEnv: EXAM_SECRET_CS}}
exams:
"""


def exam(name, **configuration):
    """The declaration of an exam of five lines."""
    fields = {"examOpenDate": "2031-10-12T09:00", "examCloseDate": "2031-10-14T17:00", "duration": 90}
    inner = ", ".join(f"{key}: {value}" for key, value in (fields | configuration).items())
    return (
        f"  cs/{name}:\n    course: cs\n    title: Exam {name}\n    url: https://lms.example.edu/{name}\n"
        f"    configuration: {{{inner}}}\n"
    )


class Workspace:
    """A workspace's directory, and the command run in it."""

    def __init__(self, root):
        self.root = root
        self.variables = {"SMARTERPROCTORING_TOKEN": "a.token.x", "EXAM_SECRET_CS": SECRET}

    def write(self, text, name="exams.yaml"):
        """Make `text` the manifest."""
        (self.root / name).write_text(text)

    def declare(self, *names):
        """Declare exams of these names."""
        self.write(MANIFEST + "".join(map(exam, names)))

    def environment(self, variables=None):
        """The environment that the command runs in: nothing of the machine's but what it needs to start."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if key in {"PATH", "PYTHONPATH"} or key.startswith("COV")
        }
        mine = self.variables if variables is None else variables
        return {"COLUMNS": "120", "HOME": str(self.root)} | kept | mine

    def start(self, *arguments):
        """The command as a running process."""
        return zygote.start(*arguments, cwd=self.root, env=self.environment())

    def run(self, *arguments, expect=0, variables=None):
        """What the command printed, once it exited as expected."""
        done = zygote.run(*arguments, cwd=self.root, env=self.environment(variables))
        self.printed = done.stdout + done.stderr
        assert done.returncode == expect, self.printed
        assert "Traceback" not in self.printed
        assert SECRET not in self.printed
        assert "a.token.x" not in self.printed
        return done.stdout

    def refused(self, *arguments, variables=None):
        """What the command printed, once it exited with 1."""
        self.run(*arguments, expect=1, variables=variables)
        return self.printed

    def rebind(self, url):
        """Have the exams in state be at `url` from now on."""
        self.run("state", "rebind", "--api-url", url)

    def relocate(self, url):
        """Make state and journal say that the exams are at `url`, without a command that would fold them."""
        state = self.root / "exams.state.json"
        state.write_text(json.dumps(self.state | {"service": url}))
        journal = self.root / "exams.state.json.journal"
        records = (json.loads(line[9:]) for line in journal.read_bytes().splitlines())
        texts = (
            json.dumps(one | {"service": url} if one["type"] == "intent" else one).encode() for one in records
        )
        journal.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts))

    def apply(self, url, *more, expect=0):
        """The report of an apply."""
        arguments = ("apply", "--auto-approve", "--format", "json", "--api-url", url, *more)
        return json.loads(self.run(*arguments, expect=expect))

    @property
    def state(self):
        """The state's document."""
        return json.loads((self.root / "exams.state.json").read_text())

"""A workspace for end-to-end tests: a directory with a manifest, in which tests run commands."""

import hashlib
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
    """Return the declaration of the exam cs/`name`, in five lines of YAML."""
    fields = {"examOpenDate": "2031-10-12T09:00", "examCloseDate": "2031-10-14T17:00", "duration": 90}
    inner = ", ".join(f"{key}: {value}" for key, value in (fields | configuration).items())
    return (
        f"  cs/{name}:\n    course: cs\n    title: Exam {name}\n    url: https://lms.example.edu/{name}\n"
        f"    configuration: {{{inner}}}\n"
    )


class Workspace:
    """A workspace's directory, and the methods that run commands in it."""

    def __init__(self, root):
        self.root = root
        self.variables = {"SMARTERPROCTORING_TOKEN": "a.token.x", "EXAM_SECRET_CS": SECRET}

    def write(self, text, name="exams.yaml"):
        """Write `text` as the manifest `name`."""
        (self.root / name).write_text(text)

    def declare(self, *names):
        """Write a manifest with exams of these names."""
        self.write(MANIFEST + "".join(map(exam, names)))

    def environment(self, variables=None):
        """Return a command's environment: `variables`, and what a process needs of the machine's own."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if key in {"PATH", "PYTHONPATH"} or key.startswith("COV")
        }
        mine = self.variables if variables is None else variables
        machine = {"HOME": str(self.root), "XDG_STATE_HOME": str(self.root.parent / "machine")}
        return {"COLUMNS": "120"} | machine | kept | mine

    def start(self, *arguments):
        """Start a command and return its process."""
        return zygote.start(*arguments, cwd=self.root, env=self.environment())

    def run(self, *arguments, expect=0, variables=None):
        """Run a command that exits with `expect`; return its standard output."""
        done = zygote.run(*arguments, cwd=self.root, env=self.environment(variables))
        self.printed = done.stdout + done.stderr
        assert done.returncode == expect, self.printed
        assert "Traceback" not in self.printed
        assert SECRET not in self.printed
        assert "a.token.x" not in self.printed
        return done.stdout

    def refused(self, *arguments, variables=None):
        """Run a command that exits with 1; return all that it printed."""
        self.run(*arguments, expect=1, variables=variables)
        return self.printed

    def rebind(self, url):
        """Bind the state to the service at `url`, with `state rebind`."""
        self.run("state", "rebind", "--api-url", url)

    def relocate(self, url):
        """Write the service `url` into state and log; a command would merge the two."""
        state = self.root / "exams.state.json"
        state.write_text(json.dumps(self.state | {"service": url}))
        news = {"snapshot": f"sha256:{hashlib.sha256(state.read_bytes()).hexdigest()}", "service": url}
        log = self.root / "exams.state.json.journal"
        lines = [json.loads(line[9:]) for line in log.read_bytes().splitlines()]
        texts = [
            json.dumps(one | {key: news[key] for key in news.keys() & one}, separators=(",", ":")).encode()
            for one in lines
        ]
        log.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts))

    def apply(self, url, *more, expect=0):
        """Run an apply and return its report."""
        arguments = ("apply", "--auto-approve", "--format", "json", "--api-url", url, *more)
        return json.loads(self.run(*arguments, expect=expect))

    @property
    def state(self):
        """Return the state file's document."""
        return json.loads((self.root / "exams.state.json").read_text())

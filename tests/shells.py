"""quaero as its users have it: real processes on a data directory of their own, and a plain SSE reader."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import IO, Any

# Seconds after which a command hangs: far above what any takes on a busy machine.
PATIENCE = 90


@dataclass
class Shell:
    """Runs `quaero` in a folder, with a home of its own."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("QUAERO", "COV"))}
        return {**kept, "QUAERO_HOME": str(self.home), "COLUMNS": "120", **self.extra}

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command; stdout and stderr are pipes unless said otherwise."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "quaero_cli", *words],
            cwd=self.folder,
            env=self.environment(),
            text=True,
            **options,
        )

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, which must have this exit code and never a traceback."""
        child = self.start(*words)
        out, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == code, (child.returncode, out[-2000:], err[-2000:])
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, child.returncode, out, err)

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def lines(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """Run a command that prints NDJSON and return its objects."""
        return [json.loads(line) for line in self.run(*words, "--json", code=code).stdout.splitlines()]

    def define(self, name: str, text: str) -> str:
        """Write a definition; return its path."""
        path = self.folder / f"{name}.toml"
        path.write_text(dedent(text))
        return str(path)

    @contextmanager
    def serving(self, *words: str) -> Iterator["Server"]:
        """Serve on a free port for the length of the block; it must then end well when asked to."""
        child = self.start("serve", "--port", "0", *words)
        url, _, token = read_line(child.stdout).strip().partition("/#t=")
        server = Server(int(url.rpartition(":")[2].strip("/")), token, child)
        try:
            yield server
        finally:
            child.send_signal(signal.SIGTERM)
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0, err
        assert "Traceback" not in err, err


@dataclass
class Server:
    """A running `quaero serve`."""

    port: int
    token: str
    process: subprocess.Popen[str]

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request; return the status and the JSON."""
        connection = self.connection()
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, target, data, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text else None

    def get(self, target: str) -> Any:
        status, answer = self.request("GET", target)
        assert status == 200, answer
        return answer

    def stream(self, target: str, **headers: str) -> Iterator[tuple[str, str, Any]]:
        """Yield (event, id, data) of an SSE stream until the server closes it; nothing for 204, the end of all."""
        connection = self.connection()
        connection.request("GET", target, headers={"Authorization": f"Bearer {self.token}", **headers})
        response = connection.getresponse()
        assert response.status in (200, 204), (response.status, response.read())
        try:
            yield from _events(response)
        finally:
            connection.close()


def _events(response: http.client.HTTPResponse) -> Iterator[tuple[str, str, Any]]:
    event, id_, data = "", "", ""
    while raw := response.readline():
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("id: "):
            id_ = line[4:]
        elif line.startswith("data: "):
            data = line[6:]
        elif not line:
            if data:
                yield event, id_, json.loads(data)
            event, data = "", ""


def service_says(server: Server, text: str, times: int = 1) -> str:
    """Wait for a line of the service log that holds `text`, the first one or a later one, and return it."""
    for name, _, data in server.stream("/api/logs/stream?scope=service"):
        if name == "logs":
            for entry in data["logs"]:
                times -= text in entry["message"]
                if times == 0:
                    return str(entry["message"])
    raise AssertionError(text)


def read_line(stream: IO[str] | None) -> str:
    """Return the next line of a child's pipe, and take no byte more: `communicate` gets the rest."""
    assert stream is not None
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(stream.fileno(), 1)):
        line += byte
    return line.decode()


def until_says(child: subprocess.Popen[str], text: str) -> None:
    """Read lines of a child's stdout up to the one that has `text`; fails when the child ends before."""
    while text not in (line := read_line(child.stdout)):
        assert line, f"it ended without {text!r}: {child.stderr.read() if child.stderr else ''}"


def whole_lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of NDJSON whose writer may have been killed in the midst of its last line."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def first_job(child: subprocess.Popen[str]) -> str:
    """Return the ID of the job that `run --json` has begun."""
    line = read_line(child.stdout)
    assert line, f"it ended without a word: {child.stderr.read() if child.stderr else ''}"
    job: str = json.loads(line)["job"]["id"]
    return job


def entries(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries among the objects of a `--json` stream, without their event key."""
    return [{k: v for k, v in event.items() if k != "event"} for event in events if event["event"] == "log"]


def numbers_without_holes(found: list[dict[str, Any]], where: str = "") -> None:
    """Check that no entry is missing and none is twice: by id, per job and per step. `where` is told if one is."""
    ids = [entry["id"] for entry in found]
    assert ids == sorted(set(ids)), where
    assert [entry["job_line"] for entry in found] == list(range(1, len(found) + 1)), where
    for step in {entry.get("step_id") for entry in found}:
        lines = [entry["line_number"] for entry in found if entry.get("step_id") == step]
        assert lines == list(range(1, len(lines) + 1)), f"{where} {step}"


def can_mount() -> bool:
    """Whether there is a mount namespace of one's own to be had."""
    return shutil.which("unshare") is not None and (
        subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    )

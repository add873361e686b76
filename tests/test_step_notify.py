"""The step type `notify`, with a real web server in the place of a chat."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fakes import FakeContext
from shells import Shell

from quaero_cli.steps.contract import StepFailed
from quaero_cli.steps.notify import notify


@pytest.fixture
def chat():
    """A server that takes messages; `/broken` takes none."""
    got: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/broken":
                got.append(json.loads(body))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.got = got
        server.url = f"json://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_a_message_arrives(chat, tmp_path):
    """Nobody would be told."""
    ctx = FakeContext(tmp_path)
    await notify(ctx, urls=chat.url, title="News", body="it works", kind="success")
    (message,) = chat.got
    assert (message["title"], message["message"], message["type"]) == ("News", "it works", "success")
    assert ctx.messages() == ["Sent 1 message"]


async def test_what_cannot_be_sent_fails_the_step(chat, tmp_path):
    """A chat that is down would be taken for one that was told; the others must have the message."""
    ctx = FakeContext(tmp_path)
    urls = [f"{chat.url}/broken", "no such thing", "json://me:hunter2@127.0.0.1:1/", chat.url]
    with pytest.raises(StepFailed, match="3 of 4 messages could not be sent"):
        await notify(ctx, urls=urls, body="it works")
    assert len(chat.got) == 1
    assert [text.split(" was not sent")[0] for text in ctx.messages()] == [
        "Message 1 (json://…)", "Message 2 (not a URL of a service)", "Message 3 (json://…)"
    ]  # fmt: skip
    assert "hunter2" not in "".join(ctx.messages())
    with pytest.raises(StepFailed, match="urls is empty"):
        await notify(ctx, urls=[], body="it works")


def test_without_the_library_it_says_what_to_install():
    """A traceback would be all that a newcomer gets."""
    code = (
        "import sys; sys.modules['apprise'] = None\n"
        "from quaero_cli.steps.notify import _send\n"
        "try:\n    _send(['json://x'], 'a', '', 'info')\nexcept Exception as error:\n    print(error, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "needs Apprise, which is not installed pip install 'quaero[notify]'"


def test_a_hook_tells_of_a_failure(chat, tmp_path):
    """The use for which it is there: a job fails at night, and somebody hears of it."""
    shell = Shell(tmp_path, {"CHAT": chat.url})
    shell.define("tell", """
        [secrets]
        CHAT = "env:CHAT"
        [params.text]
        required = true
        [step.a]
        type = "notify"
        urls = "{env.CHAT}"
        body = "{params.text}"
    """)  # fmt: skip
    path = shell.define("main", """
        name = "Backup"
        on_failure = { job = "tell.toml", params = { text = "{job.name}: {job.error}" } }
        [step.a]
        type = "shell"
        command = "exit 3"
    """)  # fmt: skip
    shell.run("run", path, code=1)
    assert [message["message"] for message in chat.got] == ["Backup: step a failed: exit code 3"]
    log = shell.run("tail", "tell", "-n", "all", "--no-follow").stdout
    assert "Sent 1 message" in log

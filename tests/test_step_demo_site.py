"""steps/demo_site.py: the site as a service step."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from fakes import FakeContext

from quaero_cli.demosite.site import DEFAULT_ARTICLES, DEFAULT_SEED
from quaero_cli.model import Level
from quaero_cli.steps import demo_site as module
from quaero_cli.steps.contract import StepFailed
from quaero_cli.steps.demo_site import demo_site

ROOT = Path(__file__).parent.parent


class Context(FakeContext):
    """Tells when the step is ready."""

    def ready(self, outputs=None):
        super().ready(outputs)
        self.is_ready.set()


@pytest.fixture
def ctx(tmp_path):
    context = Context(tmp_path)
    context.is_ready = trio.Event()
    return context


async def fetch(port, target):
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while chunk := await stream.receive_some(65536):
            data += chunk
        return data


async def test_serves_until_it_is_stopped(ctx, nursery):
    """Steps that wait for the site would get no address, or the wrong one, and the log would not tell."""
    assert module.SERVICE == "ready"
    nursery.start_soon(lambda: demo_site(ctx, articles=12, seed=3))
    await ctx.is_ready.wait()
    [outputs] = ctx.readies
    port = int(outputs["url"].rstrip("/").rsplit(":", 1)[1])
    assert outputs == {"url": f"http://127.0.0.1:{port}/", "articles": 12}
    assert ctx.messages() == [f"Demo site at {outputs['url']}"]
    body = (await fetch(port, "/robots.txt")).partition(b"\r\n\r\n")[2]
    assert f"Sitemap: {outputs['url']}sitemap.xml".encode() in body
    nursery.cancel_scope.cancel()


async def test_requests_are_logged_at_debug(ctx, nursery):
    """Somebody who asks what the crawler did to the site would not be told."""
    nursery.start_soon(lambda: demo_site(ctx, articles=12))
    await ctx.is_ready.wait()
    await fetch(int(ctx.readies[0]["url"].rstrip("/").rsplit(":", 1)[1]), "/nowhere?x=1")
    [line] = [line for line in ctx.lines if line.level == Level.DEBUG]
    assert line.message == "GET /nowhere?x=1 404"
    assert line.fields.keys() == {"method", "path", "status", "bytes", "duration_ms"}
    assert (line.fields["path"], line.fields["status"]) == ("/nowhere?x=1", 404)
    assert ctx.rooms == 1
    nursery.cancel_scope.cancel()


async def test_port_in_use(ctx):
    """The second demo on a port would end in a traceback instead of a way out."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(StepFailed, match=f"port {port} is in use") as caught:
            await demo_site(ctx, port=port)
    assert caught.value.hint == "leave `port` out, and a free one is picked"
    assert ctx.readies == []


@pytest.mark.parametrize("options", [{"articles": 0}, {"articles": 10_001}, {"port": 65_536}, {"port": -1}])
async def test_options_out_of_range(ctx, options):
    """A typing error would end in a traceback, or eat the memory."""
    with pytest.raises(StepFailed, match="out of range") as caught:
        await demo_site(ctx, **options)
    assert caught.value.hint


def test_defaults_are_the_sites_own():
    """The help would promise another site than the one that tests use."""
    options = inspect.signature(demo_site).parameters
    assert (options["articles"].default, options["seed"].default) == (DEFAULT_ARTICLES, DEFAULT_SEED)


def test_shipped_example_runs(tmp_path):
    """The first thing a newcomer tries with the demo site would fail."""
    command = [sys.executable, "-m", "quaero_cli", "--home", str(tmp_path), "run", "demo-site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "33 links, 6 of them dead" in done.stdout
    assert "410 http://127.0.0.1:" in done.stdout


def test_importing_the_step_type_is_cheap():
    """Every command that lists step types would wait for the site's machinery."""
    code = "import sys, quaero_cli.steps.demo_site; print([m for m in sys.modules if 'demosite' in m or m == 'h11'])"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[]"

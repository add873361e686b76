"""`/metrics`: what Prometheus reads of a server and its store."""

import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families
from serving import running

from quaero_cli.model import Level, Status


async def _figures(web) -> dict[tuple[str, ...], float]:
    answer = await web.get("/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def test_the_store_in_figures(tmp_path):
    """An alert would never ring, or always: its figure would not be what `quaero jobs` shows."""
    async with running(tmp_path) as web:
        empty = await _figures(web)
        assert (empty["quaero_jobs", "failed"], empty["quaero_entries_stored_total",]) == (0, 0)
        web.add_job("j1", definition='odd "name"\n')
        web.add_job("j2")
        web.log("j1", "one", "two")
        web.log("j2", "careful", level=Level.WARN)
        web.log(None, "of the service", level=Level.ERROR)
        web.finish("j1", Status.FAILED)
        web.keep("https://site.example/a", "j2")
        async with web.stream("scope=service") as (_, events):
            await anext(events)
            found = await _figures(web)
        assert (found["quaero_jobs", "running"], found["quaero_jobs", "failed"]) == (1, 1)
        assert found["quaero_last_end_timestamp_seconds", 'odd "name"\n', "failed"] == 1_700_000_001
        assert [found["quaero_entries", level] for level in ("debug", "info", "warn", "error")] == [0, 3, 1, 1]
        assert found["quaero_entries_stored_total",] == 5
        assert found["quaero_documents",] == 1
        assert found["quaero_streams",] == 1
        assert found["quaero_store_bytes",] > 4096
        assert found["process_resident_memory_bytes",] > 1_000_000


async def test_it_is_as_closed_as_the_rest(tmp_path):
    """The names of jobs would be open to every user of the machine, or a typing error would go unnoticed."""
    async with running(tmp_path) as web:
        host = [("Host", f"127.0.0.1:{web.bound.port}")]
        assert (await web.request("GET", "/metrics", host)).status == 401
        assert (await web.request("HEAD", "/metrics", web.headers())).body == b""
        assert (await web.get("/metrics?level=info")).status == 400
        assert (await web.post("/metrics")).status == 405


def test_a_server_that_nobody_asks_does_without_the_library():
    """Every start of `serve` would take longer for a route that few use."""
    code = "import sys, quaero_cli.server.app; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

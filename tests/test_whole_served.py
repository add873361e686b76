"""Jobs of a server, with real processes: started and cancelled over the API, ended with it, shown beside a run."""

import signal

from livejobs import SLEEPER
from shells import PATIENCE, Server, first_job, read_line, service_says


def test_the_api_starts_and_cancels_jobs(shell):
    """The viewer's buttons."""
    with shell.serving() as server:
        status, answer = server.request("POST", "/api/job-definitions/hello/execute", {"who": "API"})
        assert (status, answer["status"]) == (202, "pending")
        events = list(server.stream(f"/api/logs/stream?scope=job&job_id={answer['job_id']}"))
        assert events[-1][0] == "end"
        assert server.get(f"/api/jobs/{answer['job_id']}")["job"]["status"] == "completed"
        status, error = server.request("POST", "/api/job-definitions/hello/execute", {"whom": "API"})
        assert (status, "whom" in error["error"]) == (400, True)
        assert server.request("POST", "/api/job-definitions/nope/execute", {})[0] == 404
        path = shell.folder / "jobdefs"
        path.mkdir()
        (path / "slow.toml").write_text("[step.a]\ntype = 'shell'\ncommand = 'sleep 600'\n")
        status, slow = server.request("POST", "/api/job-definitions/slow/execute", {})
        assert status == 202
        assert server.request("POST", "/api/job-definitions/slow/execute", {})[0] == 409
        assert server.request("POST", f"/api/jobs/{slow['job_id']}/cancel")[0] == 202
        assert (
            list(server.stream(f"/api/logs/stream?scope=job&job_id={slow['job_id']}"))[-1][2]["status"] == "cancelled"
        )
        assert server.request("POST", f"/api/jobs/{slow['job_id']}/cancel")[0] == 409
        for word in ("started", "ended"):
            service_says(server, f"Job {word}: {slow['job_id']}")  # it is told a moment after the job itself


def test_a_server_that_is_stopped_cancels_its_jobs_and_stores_their_ends(shell):
    """`serve` leaves no child and no job that runs for ever on paper."""
    with shell.serving() as server:
        (shell.folder / "jobdefs").mkdir()
        (shell.folder / "jobdefs" / "slow.toml").write_text("[step.a]\ntype = 'shell'\ncommand = 'sleep 600'\n")
        _, slow = server.request("POST", "/api/job-definitions/slow/execute", {})
        stream = server.stream(f"/api/logs/stream?scope=job&job_id={slow['job_id']}")
        next(stream)
        server.process.send_signal(signal.SIGTERM)
        events = list(stream)
    assert events[-1][0] in ("shutdown", "end")
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_run_serves_beside_the_job(shell):
    """`run --serve`: the viewer for as long as the job runs."""
    runner = shell.start("run", shell.define("sleeper", SLEEPER), "--json", "--serve", "--port", "0")
    url = read_line(runner.stderr).strip()
    job = first_job(runner)
    port, _, token = url.removeprefix("http://127.0.0.1:").partition("/#t=")

    server = Server(int(port), token, runner)
    assert server.get(f"/api/jobs/{job}")["job"]["status"] in ("pending", "running")  # shown before it is claimed
    assert server.request("POST", f"/api/jobs/{job}/cancel")[0] == 202
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3

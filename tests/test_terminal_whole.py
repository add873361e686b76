"""`run` and `tail` on a real terminal: what a person sees, types and leaves behind."""

import signal

from ptys import on_a_terminal
from shells import PATIENCE, first_job, until_says

from quaero_cli.terminal.rates import Rates

SLEEPER = "[step.sleeper]\ntype = 'shell'\ncommand = 'echo up; exec sleep 600'\n"
REGION = "╰─ "


def region(screen) -> list[str]:
    """Return the lines of the live region that are on the screen or in its scrollback."""
    return [line for line in screen.lines() if "─────" in line or line.startswith(("├─", "╰─", "│"))]


def test_ctrl_z_gives_the_terminal_back_and_comes_back(shell):
    """The shell's prompt would stand in an old picture, without a cursor, and fg would paint over it."""
    path = shell.define("sleeper", SLEEPER)
    with on_a_terminal(shell, "run", path) as terminal:
        terminal.until(REGION)
        assert not terminal.echoes()
        terminal.type("\x1a")
        terminal.wait_stopped()
        assert region(terminal.screen) == []
        assert terminal.screen.cursor_visible
        assert terminal.echoes()
        terminal.screen.feed("$ fg\n")  # what the shell would have written meanwhile
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(REGION)
        terminal.type("\x03")
        assert terminal.wait() == 130
        lines = terminal.screen.lines()
    assert "$ fg" in lines
    assert region(terminal.screen) == []
    assert any(line.startswith("■ cancelled") for line in lines)
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_tail_stops_and_comes_back_too(shell):
    """A watcher would be the one command that leaves the terminal as a mess."""
    runner = shell.start("run", shell.define("sleeper", SLEEPER), "--json")
    job = first_job(runner)
    until_says(runner, '"message":"up"')
    with on_a_terminal(shell, "tail", job) as terminal:
        terminal.until(REGION)
        terminal.type("\x1a")
        terminal.wait_stopped()
        assert region(terminal.screen) == []
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(REGION)
        shell.run("cancel", job)
        assert terminal.wait() == 3
    runner.communicate(timeout=PATIENCE)
    assert region(terminal.screen) == []
    assert terminal.screen.cursor_visible


def test_a_resize_while_it_runs_does_no_harm(shell):
    """A window that is made smaller than the picture would end the job's runner, or leave it without a cursor."""
    path = shell.define("sleeper", SLEEPER)
    with on_a_terminal(shell, "run", path, columns=120) as terminal:
        terminal.until(REGION)
        for columns, rows in ((70, 24), (40, 10), (15, 4), (1, 1), (200, 50), (90, 24)):
            terminal.resize(columns, rows)
            terminal.read(0.3)
        terminal.until(REGION)
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert terminal.screen.cursor_visible
    assert any(line.startswith("■ cancelled") for line in terminal.screen.lines())


def test_a_closed_terminal_ends_the_watching_and_nothing_else(shell):
    """Closing the window of a `tail` would cancel the job, or leave a watcher that nobody sees."""
    runner = shell.start("run", shell.define("sleeper", SLEEPER), "--json")
    job = first_job(runner)
    until_says(runner, '"message":"up"')
    # Nobody can write any more, or the signal comes first, or it comes when nobody listens for it any more.
    left = (0, 130, -signal.SIGHUP)
    with on_a_terminal(shell, "tail", job) as terminal:
        terminal.until(REGION)
        terminal.close()
        assert terminal.process.wait(PATIENCE) in left
    with on_a_terminal(shell, "jobs", "--watch") as terminal:
        terminal.until("Ctrl-C")
        terminal.close()
        assert terminal.process.wait(PATIENCE) in left
    assert shell.json("jobs")[0]["status"] == "running"
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)


def test_a_match_stands_out(shell):
    """On a screen full of lines the one word that was asked for is searched again."""
    shell.run("run", "hello")
    with on_a_terminal(shell, "tail", "last", "--grep", "HELLO") as terminal:
        assert terminal.wait() == 0
    assert "\x1b[7mHello\x1b[0m, world" in terminal.raw


def test_jobs_are_told_apart_by_colour_and_by_name(shell):
    """Two jobs at once, and nobody knows whose line it is."""
    for name in ("first", "second"):
        shell.run("run", shell.define(name, f"[step.a]\ntype = 'shell'\ncommand = 'echo {name}'\n"))
    ids = {job["definition"]: job["id"] for job in shell.json("jobs")}
    with on_a_terminal(shell, "tail", "first", "second") as terminal:
        assert terminal.wait() == 0
    for name, job in ids.items():
        (line,) = [each for each in terminal.screen.lines() if each.endswith(f"  {name}")]
        assert line.startswith(f"{job} │ ")
    assert all(f"m{job}\x1b[0m" in terminal.raw for job in ids.values())


def test_tail_waits_for_a_job_that_waits(shell):
    """Whoever follows a queued job would be sent away, or shown nothing for ever."""
    text = (
        "overlap = 'queue'\n[step.a]\ntype = 'shell'\ncommand = 'echo up; while [ ! -e go ]; do sleep 0.05; done'\n"
    )
    path = shell.define("queued", text)
    first = shell.start("run", path, "--json")
    until_says(first, '"message":"up"')
    second = shell.start("run", path, "--json")
    waiting = first_job(second)
    until_says(second, "Waiting for job")
    tail = shell.start("tail", waiting)
    (shell.folder / "go").touch()
    out, _ = tail.communicate(timeout=PATIENCE)
    assert tail.returncode == 0
    assert "up" in out
    for child in (first, second):
        child.communicate(timeout=PATIENCE)


def test_a_server_says_how_to_stop_it(shell):
    """A terminal that shows an address and nothing else is closed, and the scheduler with it."""
    with on_a_terminal(shell, "serve", "--port", "0") as terminal:
        terminal.until("Ctrl-C stops it")
        terminal.type("\x03")
        assert terminal.wait() == 0
    assert terminal.screen.lines()[0].startswith("http://127.0.0.1:")


def test_the_rate_is_that_of_the_last_seconds():
    """A job that has stopped logging would be shown as busy, and a new one as a guess."""
    rates = Rates()
    rates.note("a", 1000, 0.0)
    assert rates.at(0.1) == {}
    rates.note("a", 3000, 1.0)
    assert rates.at(1.0) == {"a": 2000}
    for second in range(2, 12):
        rates.note("a", 3000, second)
    assert rates.at(11.0) == {}
    rates.forget("a")
    assert rates.at(11.0) == {}

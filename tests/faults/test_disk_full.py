"""A full disk in the middle of a run: one clear error, everything that was shown is readable, and work can go on."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from shells import PATIENCE, Shell, can_mount, entries, whole_lines

LOUD = """
    [step.loud]
    type = "shell"
    command = "seq -f 'line %g of a long and winding text that fills the disk sooner or later' 200000"
"""
# In a mount namespace of its own: a small disk, a run that fills it, what is left, a run when there is room again.
SCRIPT = """
    set -u
    mount -t tmpfs -o size={size}k none "$QUAERO_HOME"
    {quaero} run hello --quiet >"$OUT/first" 2>&1; echo $?
    {quaero} run "$OUT/loud.toml" --json --level debug >"$OUT/shown" 2>"$OUT/error"; echo $?
    mount -o remount,size=64m "$QUAERO_HOME"
    {quaero} tail loud -n all --level debug --json --no-follow >"$OUT/stored"; echo $?
    {quaero} db check --json >"$OUT/check"; echo $?
    {quaero} run hello --quiet >"$OUT/last" 2>&1; echo $?
    {quaero} show loud --json >"$OUT/show"; echo $?
"""


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace of its own")
def test_a_full_disk_ends_the_run_and_harms_nothing(tmp_path, campaign):
    """What was on the screen would be gone, or the store damaged, or the run would hang for ever."""
    for round_ in range(campaign(2, 20)):
        size = 1500 + 431 * round_
        folder = tmp_path / str(round_)
        folder.mkdir()
        shell = Shell(folder)
        shell.home.mkdir()
        shell.define("loud", LOUD)
        script = SCRIPT.format(size=size, quaero=f"{sys.executable} -m quaero_cli")
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script], cwd=folder, env={**shell.environment(), "OUT": str(folder)},
            capture_output=True, text=True, check=False, timeout=PATIENCE * 3,
        )  # fmt: skip
        where = f"{size} KiB: {done.stdout.split()} {done.stderr}"
        assert done.stdout.split() == ["0", "6", "5", "0", "0", "0"], where + (folder / "error").read_text()
        error = (folder / "error").read_text()
        assert error.startswith("error: "), where
        assert "free space" in error, where
        assert error.count("\n") == 2, error
        text = (folder / "shown").read_text()
        shown = entries(whole_lines(text))
        stored = entries([json.loads(line) for line in (folder / "stored").read_text().splitlines()])
        assert shown, where
        assert stored[: len(shown)] == shown, where
        assert json.loads((folder / "check").read_text())["ok"], where
        assert json.loads((folder / "show").read_text())["job"]["status"] == "interrupted", where
        assert not os.path.ismount(shell.home)


@pytest.mark.parametrize("kib", [600, 1700])
def test_a_write_that_fails_ends_the_run_and_harms_nothing(tmp_path, kib):
    """A quota, a limit, a bad cable: whatever the reason of a failed write, what was stored stays whole."""
    shell = Shell(tmp_path)
    shell.run("run", "hello", "--quiet")
    path = shell.define("loud", LOUD)
    limited = f"ulimit -f {kib}; exec {sys.executable} -m quaero_cli run {path} --json --level debug"
    done = subprocess.run(
        ["bash", "-c", limited], cwd=tmp_path, env=shell.environment(), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    shown = entries(whole_lines(done.stdout))
    stored = entries(shell.lines("tail", "loud", "-n", "all", "--level", "debug", code=5))
    assert stored[: len(shown)] == shown
    assert shell.json("db", "check")["ok"]
    shell.run("run", "hello", "--quiet")


def can_trace() -> bool:
    return shutil.which("strace") is not None and (
        subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not can_trace(), reason="needs strace, and leave to use it")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_an_injected_error_ends_the_run_and_harms_nothing(tmp_path, campaign, call):
    """A cable that works now and then: whatever write fails, once or for ever, what was shown is stored, once."""
    shell = Shell(tmp_path)
    shell.run("run", "hello", "--quiet")
    path = shell.define("loud", LOUD.replace("200000", "3000"))
    for number in range(campaign(1, 30)):
        error, when = ("EIO", "ENOSPC")[number % 2], f"{5 + number // 2 * 3}{'' if number % 4 > 1 else '+'}"
        traced = ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}"]
        traced += ["-e", f"inject={call}:error={error}:when={when}", sys.executable, "-m", "quaero_cli"]
        done = subprocess.run(
            [*traced, "run", path, "--json", "--level", "debug"], cwd=tmp_path, env=shell.environment(),
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        where = f"{call} {error} {when}: {done.returncode} {done.stderr}"
        assert done.returncode in (0, 6), where
        assert "Traceback" not in done.stderr, where
        if done.returncode == 6:
            assert done.stderr.startswith("error: "), where
            assert done.stderr.count("error: ") == 1, where
        shown = entries(whole_lines(done.stdout))
        job = shell.json("jobs")[0]
        code = 0 if job["status"] == "completed" else 5
        stored = entries(shell.lines("tail", job["id"], "-n", "all", "--level", "debug", code=code))
        assert stored[: len(shown)] == shown, where
        assert [entry["job_line"] for entry in stored] == list(range(1, len(stored) + 1)), where
        assert shell.json("db", "check")["ok"], where

"""A store that cannot be used, with real processes: one clear line, exit code 6, and nothing is overwritten."""

import subprocess
import sys

import pytest
from shells import PATIENCE, Shell, can_mount, until_says

COMMANDS = (
    ("jobs",),
    ("show", "last"),
    ("tail", "last"),
    ("cancel", "last"),
    ("retry", "last"),
    ("rm", "last"),
    ("prune", "--keep", "1"),
    ("run", "hello"),
    ("run", "hello", "--detach"),
    ("serve", "--port", "0"),
    ("docs",),
    ("db", "info"),
    ("db", "check"),
)
GATED = """
    [step.work]
    type = "shell"
    command = "echo up; until [ -e {gate} ]; do sleep 0.05; done"
"""


def refuses(shell: Shell, *words: str) -> str:
    """Check that a command ends with exit code 6 and one error; return it."""
    error = shell.run(*words, code=6).stderr
    lines = error.splitlines()
    assert lines[0].startswith("error: "), words
    assert len(lines) <= 2, words
    return error


DAMAGE = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "a page short": lambda data: data[:-4096],
    "garbage": lambda data: b"\x00\xff garbage" * (len(data) // 10),
    "text": lambda data: b"hello\n",
    "no header": lambda data: bytes(100) + data[100:],
    "garbage after the header": lambda data: data[:100] + b"\xa5" * (len(data) - 100),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_told_and_left_alone(shell, damage):
    """What is left of it may be all that somebody has; a new store in its place would hide that."""
    shell.run("run", "hello", "--quiet")
    file = shell.home / "quaero.db"
    data = DAMAGE[damage](file.read_bytes())
    file.write_bytes(data)
    for words in COMMANDS:
        error = refuses(shell, *words)
        assert "quaero.db" in error, words
        assert "hint: move the file aside" in error, (words, error)
        assert file.read_bytes() == data, words


def test_a_store_that_is_killed_at_its_birth_is_made_again(shell):
    """What a killed first command leaves is no damage."""
    shell.home.mkdir()
    (shell.home / "quaero.db.new").write_bytes(b"")
    (shell.home / "quaero.db.new-wal").write_bytes(b"rest")
    shell.run("run", "hello", "--quiet")
    assert sorted(each.name for each in shell.home.glob("quaero.db*")) == ["quaero.db"]


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace of its own")
@pytest.mark.parametrize("fresh", [True, False], ids=["new", "used"])
def test_a_home_that_cannot_be_written_is_told(shell, fresh):
    """A read-only disk, a home of somebody else's: where, and what to do."""
    shell.home.mkdir()
    if not fresh:
        shell.run("run", "hello", "--quiet")
    before = sorted(each.name for each in shell.home.rglob("*"))
    words = " ".join(f"'{sys.executable}' -m quaero_cli {' '.join(each)}; echo $?;" for each in COMMANDS)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -o bind,ro '{shell.home}' '{shell.home}' && {words}"],
        cwd=shell.folder, env=shell.environment(), capture_output=True, text=True, check=False, timeout=PATIENCE * 4,
    )  # fmt: skip
    assert done.stdout.split() == ["6"] * len(COMMANDS), (done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert [line[:6] for line in lines] == ["error:", "hint: "] * len(COMMANDS), done.stderr
    assert all("writable" in line for line in lines[1::2]), done.stderr
    assert sorted(each.name for each in shell.home.rglob("*")) == before


def test_a_store_that_is_replaced_ends_who_uses_it(shell):
    """A backup that is restored beside a running job: its lines would go into a file that nobody can see any more."""
    shell.run("run", "hello", "--quiet")
    copy = shell.folder / "copy.db"
    shell.run("db", "backup", str(copy))
    data = copy.read_bytes()
    runner = shell.start("run", shell.define("gated", GATED.format(gate=shell.folder / "gate")))
    until_says(runner, "up")
    (shell.folder / "old").mkdir()
    for file in shell.home.glob("quaero.db*"):
        file.rename(shell.folder / "old" / file.name)
    copy.rename(shell.home / "quaero.db")
    _, error = runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 6, error
    assert "was replaced while it was in use" in error
    assert (shell.home / "quaero.db").read_bytes() == data
    assert [job["definition"] for job in shell.json("jobs")] == ["hello"]
    old = Shell(shell.folder, {"QUAERO_HOME": str(shell.folder / "old")})
    assert old.json("db", "check")["ok"]
    assert old.json("show", "gated")["job"]["total_count"] > 0

"""`quaero new`: what it writes runs as it is, and nothing is lost by it."""

import os
import pty

import pytest
from shells import PATIENCE

from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.scaffold import KINDS, scaffold
from quaero_cli.steps.registry import load_step_types


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_runs(shell, kind):
    """The first thing that a newcomer writes would end with an error."""
    made = shell.run("new", "my-first_job", "--type", kind)
    assert made.stdout.splitlines()[0] == "jobdefs/my-first_job.toml"
    assert "next: quaero check my-first_job" in made.stderr
    assert shell.json("check", "my-first_job")[0]["ok"]
    shell.run("run", "my-first_job", "--quiet")
    assert shell.json("show", "last")["job"]["name"] == "My first job"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "x.y", "0", "_", "A" * 100])
def test_every_good_name_makes_a_good_definition(kind, name, tmp_path):
    """A name that is taken would make a file that is refused."""
    file, text = next(iter(scaffold(name, kind).items()))
    assert parse(text, path=tmp_path / file, step_types=load_step_types()).id == name


def test_nothing_is_overwritten(shell):
    """A second call would wipe out an evening's work."""
    (shell.folder / "jobdefs").mkdir()
    (shell.folder / "jobdefs" / "mine.py").write_text("precious")
    error = shell.run("new", "mine", "--type", "python", code=2).stderr
    assert "jobdefs/mine.py: is there already" in error
    assert [path.name for path in (shell.folder / "jobdefs").iterdir()] == ["mine.py"]
    shell.run("new", "mine")
    assert "is there already" in shell.run("new", "mine", code=2).stderr
    assert (shell.folder / "jobdefs" / "mine.py").read_text() == "precious"


def test_it_writes_elsewhere_and_tells_scripts(shell):
    """A script would have to guess the file's name."""
    made = shell.json("new", "other", "--dir", "a/b")
    assert made == {"definition": "other", "path": "a/b/other.toml", "files": ["a/b/other.toml"]}
    assert "quaero run a/b/more.toml" in shell.run("new", "more", "--dir", "a/b").stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["last"], "'last' cannot be the id of a definition"),
        (["../x"], "'../x' cannot be the id"),
        (["x.toml"], "'x.toml' cannot be the id"),
        (["x", "--type", "perl"], "no type 'perl'"),
        (["x", "--dir", "file"], "cannot be written"),
    ],
)
def test_a_mistake_is_told(shell, words, says):
    """It would write a file that nobody can run, or one where nobody looks."""
    (shell.folder / "file").write_text("")
    assert says in shell.run("new", *words, code=2).stderr
    assert not (shell.folder / "jobdefs").exists()


def test_a_terminal_is_asked(shell):
    """A newcomer would not learn that there are other types."""
    ours, theirs = pty.openpty()
    child = shell.start("new", "asked", stdin=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"nonsense\npython\n")
    out, _ = child.communicate(timeout=PATIENCE)
    asked = os.read(ours, 4096).decode()
    os.close(ours)
    assert "python: functions" in asked
    assert "one of: shell, python, crawler" in asked
    assert out.splitlines() == ["jobdefs/asked.toml", "jobdefs/asked.py"]

"""A step type of another package, installed as people install it, is one like quaero's own."""

import subprocess
import sys

import pytest
from shells import PATIENCE, Shell

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "quaero-wave"
version = "1.0"
[project.entry-points."quaero.steps"]
wave = "quaero_wave:wave"
[tool.hatch.build.targets.wheel]
only-include = ["quaero_wave.py"]
"""
MODULE = '''
from quaero_cli.steps.contract import StepContext, StepFailed


async def wave(ctx: StepContext, *, hands: int, whom: str = "you") -> dict[str, int]:
    """Wave at somebody.

    hands: how many
    whom: at whom
    """
    if hands > 2:
        raise StepFailed(f"nobody has {hands} hands")
    ctx.log.info(f"waving at {whom}", hands=hands)
    code = await ctx.run_process(["sh", "-c", "echo from a child; sleep 1000 &"])
    return {"code": code}
'''
DEFINITION = """
[step.a]
type = "wave"
hands = %s
whom = "{job.id}"
[step.b]
type = "shell"
depends = ["a"]
command = "echo code {steps.a.outputs.code}"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package, built and installed into a folder of its own."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "quaero_wave.py").write_text(MODULE)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", target, source],
        check=True, timeout=PATIENCE,
    )  # fmt: skip
    return target


@pytest.mark.packaging
def test_it_is_listed_checked_and_run(installed, tmp_path):
    """Whoever writes a step type would have to change quaero itself."""
    shell = Shell(tmp_path, {"PYTHONPATH": str(installed)})
    assert "Wave at somebody" in shell.run("steps").stdout
    assert "how many" in shell.run("steps", "wave").stdout
    error = shell.run("check", shell.define("bad", DEFINITION % "true"), code=2).stderr
    assert "step a: hands: must be an integer, not true" in error
    done = shell.run("run", shell.define("good", DEFINITION % "2"))
    for line in ("waving at ", "from a child", "code 0"):
        assert line in done.stdout
    failed = shell.run("run", shell.define("three", DEFINITION % "3"), code=1)
    assert "nobody has 3 hands" in failed.stderr
    without = Shell(tmp_path)
    error = without.run("run", shell.define("good", DEFINITION % "2"), code=2).stderr
    assert "unknown step type 'wave'" in error

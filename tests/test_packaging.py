"""The wheel: everything that a user needs is in it, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from quaero_cli.resources import VENDOR_FILES

ROOT = Path(__file__).resolve().parent.parent
# Of the viewer: what develops it and does not run.
NOT_SHIPPED = ("viewer/tests/", "viewer/eslint.config.js", "viewer/package", "viewer/.npmrc")

pytestmark = pytest.mark.packaging


def tracked_files() -> list[str]:
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def copy_tree(target: Path, *, npm: bool) -> None:
    """Copy the checkout as a clone would have it, with the npm assets if asked for."""
    for name in tracked_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    if npm:
        for source in VENDOR_FILES.values():
            place = target / "viewer" / "node_modules" / source
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "viewer" / "node_modules" / source, place)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    copy_tree(folder, npm=True)
    done = build(folder)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "dist").glob("*.whl")
    return path


def test_the_wheel_holds_the_package_the_viewer_and_the_definitions(wheel):
    """An installed quaero without its viewer or its jobs is none."""
    whole = zipfile.ZipFile(wheel).namelist()
    assert [name.partition(".data/data/")[2] for name in whole if ".data/" in name] == ["share/man/man1/quaero.1"]
    names = {name for name in whole if ".dist-info/" not in name and ".data/" not in name}
    wanted = {f"quaero_cli/_viewer/vendor/{name}" for name in VENDOR_FILES}
    for name in tracked_files():
        if name.startswith(NOT_SHIPPED):
            continue
        if name.startswith("quaero_cli/"):
            wanted.add(name)
        elif name.startswith(("viewer/", "jobdefs/")):
            wanted.add(f"quaero_cli/_{name}")
    assert names == wanted


def test_a_wheel_without_the_npm_assets_is_not_built(tmp_path):
    """It would serve a page that does nothing."""
    copy_tree(tmp_path, npm=False)
    done = build(tmp_path)
    assert done.returncode != 0
    assert "npm asset @alpinejs/csp" in done.stderr
    assert "npm ci --prefix viewer" in done.stderr


def test_the_installed_wheel_runs_away_from_the_checkout(wheel, tmp_path):
    """Definitions and viewer must be found beside the code, not in a checkout that is not there."""
    target = tmp_path / "site"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(target),
            str(wheel),
        ],
        check=True,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(target), "QUAERO_HOME": str(tmp_path / "home")}

    def quaero(*words: str) -> str:
        command = [sys.executable, "-m", "quaero_cli", *words]
        done = subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True, timeout=90
        )
        return done.stdout

    definitions = json.loads(quaero("defs", "--json"))
    assert {definition["path"].startswith(str(target)) for definition in definitions} == {True}
    assert "Hello, wheel" in quaero("run", "hello", "-p", "who=wheel")
    code = "from quaero_cli.resources import missing_vendor_files; print(missing_vendor_files())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=elsewhere, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_data_folders_hold_no_code():
    """A module in `viewer/` or `jobdefs/` would break editable installs."""
    assert [
        name for name in tracked_files() if name.startswith(("viewer/", "jobdefs/")) and name.endswith(".py")
    ] == []


def test_the_locks_name_no_host():
    """A lock file must install from whatever registry is set up."""
    for name in (".ci/requirements.lock", ".ci/bootstrap.lock", "viewer/package-lock.json"):
        text = (ROOT / name).read_text()
        assert "resolved" not in text
        assert "index-url" not in text
        assert "file://" not in text


def test_ci_runs_the_readmes_own_command():
    """What is documented is what is tested."""
    readme = (ROOT / "README.md").read_text()
    command = readme.partition("<!-- test command -->")[2].split("```")[1]
    assert command.startswith("sh\npython3 -m venv")
    assert command.rstrip().endswith("just ci")
    assert "README.md" in (ROOT / ".ci" / "run").read_text()

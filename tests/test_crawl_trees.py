"""Trees of files behind nginx: exactly the pages that their links reach, each once, and every link to nothing.

Nightly with the HTML documentation of Debian packages; else with a small tree that has links of all kinds.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from crawling import run_crawl
from filetrees import grow, plain, walk
from proxies import files_of, needs_nginx
from shells import Shell

pytestmark = needs_nginx

DEBIAN = {
    "postgresql-doc-15": "/usr/share/doc/postgresql-doc-15/html/index.html",
    "python3.11-doc": "/usr/share/doc/python3.11/html/index.html",
}
# Seconds for the largest tree, on a busy machine: a gigabyte of links, and an extraction of each page.
LONGEST = 1800


@pytest.mark.parametrize("seed", range(4))
async def test_exactly_what_links_reach(tmp_path: Path, seed: int) -> None:
    """Pages would be missed or asked for twice, and a site's owner not see which links are dead."""
    grow(tmp_path / "tree", 60, seed)
    expected = walk(tmp_path / "tree", "/index.html")
    with files_of(tmp_path / "tree", tmp_path / "nginx") as server:
        base = f"http://127.0.0.1:{server.port}"
        ran = await run_crawl(tmp_path, f"{base}/index.html", max_depth=1000, max_pages=10_000, extract=seed % 2 == 0)
        asked = server.asked()
    assert {_address(str(line.fields["url"])) for line in ran.lines_of("Fetched")} == expected.pages
    dead = [line for line in ran.lines_of("Failed") if line.fields.get("status") == 404]
    assert {_address(str(line.fields["url"])) for line in dead} == expected.broken
    assert {_address(str(line.fields["found_on"])) for line in dead} <= expected.pages
    assert len(expected.pages) > 10
    _assert_each_once(asked)


@pytest.mark.parametrize("extract", ["true", "false"])
@pytest.mark.parametrize("package", DEBIAN)
def test_documentation_of_debian(
    tmp_path: Path, package: str, extract: str, campaign: Callable[[int, int], int], shell: Shell
) -> None:
    """A crawl of real pages by the thousand would miss some, or stop at the largest."""
    if not campaign(0, 1):
        pytest.skip("nightly")
    root, start = _unpacked(package, tmp_path), DEBIAN[package]
    expected = walk(root, start)
    with files_of(root, tmp_path / "nginx") as server:
        path = shell.define("tree", f"""
            [step.crawl]
            type = "crawler"
            start_urls = "http://127.0.0.1:{server.port}{start}"
            allow_private = ["127.0.0.1"]
            max_depth = 1000
            max_pages = 1000000
            sitemaps = false
            extract = {extract}
            """)  # fmt: skip
        child = shell.start("run", path, "--quiet")
        child.communicate(timeout=LONGEST)
        asked = server.asked()
    entries = [entry for entry in shell.lines("tail", "last", "-n", "all", "--no-follow") if entry["event"] == "log"]
    urls = {
        message: {
            _address(entry["fields"]["url"]) for entry in entries if entry["message"] == message
        } for message in ("Fetched", "Failed")
    }  # fmt: skip
    assert urls["Fetched"] == expected.pages
    assert urls["Failed"] == expected.broken  # and no page failed otherwise
    assert child.returncode == 0
    _assert_each_once(asked)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def _unpacked(package: str, folder: Path) -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("not a Debian")
    done = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True)
    found = list(folder.glob("*.deb"))
    if not found:
        pytest.skip(f"{package} cannot be had: {done.stderr[:200]}")
    subprocess.run(["dpkg-deb", "-x", str(found[0]), str(folder / "root")], check=True)
    return folder / "root"


def _address(url: str) -> str:
    parts = urlsplit(url)
    return plain(parts.path + (f"?{parts.query}" if parts.query else ""))


def _assert_each_once(asked: list[tuple[str, int]]) -> None:
    targets = [target for target, _ in asked]
    assert len(targets) == len(set(targets))

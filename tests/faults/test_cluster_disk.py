"""A disk that is full under the engine: nothing is lost, jobs go on, and all of it comes when there is room again.

The server is on a small disk of its own, a tmpfs in a mount namespace that outlives the server.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import trio
from engines import needs_nats
from machines import machines, until
from saying import begin, numbers, service
from shells import can_mount, read_line

pytestmark = [needs_nats, pytest.mark.skipif(not can_mount(), reason="needs a mount namespace of its own")]

# By itself a server keeps to three quarters of what was free when it started; then somebody else fills the disk.
UNAWARE = 'jetstream {{ store_dir: "{folder}/engine/jetstream", max_file_store: 10G }}'


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[tuple[str, ...]]:
    """Mount one on a folder; gives the words before a command that is to see it."""
    folder.mkdir(parents=True)
    script = 'mount -t tmpfs -o size="$1"k none "$2" && echo mounted && exec cat'
    holder = subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(kib), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert read_line(holder.stdout) == "mounted\n"
        yield ("nsenter", "--preserve-credentials", "-U", "-m", "-t", str(holder.pid))
    finally:
        holder.communicate("")


def test_a_full_disk_under_the_engine_loses_nothing(tmp_path, campaign):
    """What the engine had acknowledged a moment before its disk was full would be missing, or jobs would stop."""
    if not campaign(0, 1):
        pytest.skip("a server whose disk is full gives no answer, and to wait for that takes long: at night")
    for seed in range(10):
        folder, kib = tmp_path / str(seed), 1500 + Random(seed).randrange(4000)
        config = UNAWARE.format(folder=folder) if seed % 2 == 0 else ""
        with (
            small_disk(folder / "engine" / "jetstream", kib) as inside,
            machines(folder, config=config, within=inside) as found,
        ):
            _fill_and_free(found, inside)
            print(f"seed {seed}: a disk of {kib} KiB, {len(numbers(found.view.home))} lines", flush=True)


def _fill_and_free(found, inside):
    found.start_view()
    found.start_worker("w1")
    gate = begin(found)
    worker, view = found.shell("w1").home, found.view.home
    until(lambda: any("entries wait in the outbox" in message for message in service(worker)))
    before = len(numbers(worker))
    until(lambda: len(numbers(worker)) > before + 500)  # the job goes on
    assert found.view.json("jobs")[0]["status"] == "running"
    subprocess.run([*inside, "mount", "-o", "remount,size=256m", str(found.server.store)], check=True)
    found.server.kill()  # by itself it would stay as it is
    trio.run(found.server.start)
    gate.touch()
    until(lambda: found.view.json("jobs")[0]["status"] == "completed")
    until(lambda: not found.lacks("w1"))
    assert numbers(view) == numbers(worker)
    assert any("The engine is back" in message for message in service(worker))

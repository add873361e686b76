"""Every page and feature of the viewer in a real, headless Chromium: by mouse, by keyboard, and by axe."""

import pytest
from browsing import ARTICLE, World, look

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server on a store with a failed import, a long log, a document."""
    world = World(tmp_path_factory.mktemp("world"))
    world.add_big_job("big00001")
    world.shell.run("run", "hello", "--quiet")
    world.shell.run("run", "nightly-import", "--quiet", code=1)
    world.add_document("big00001", "Harbour reopens", ARTICLE)
    jobs = world.shell.json("jobs")
    job = next(job["id"] for job in jobs if job["definition"] == "nightly-import")
    with world.shell.serving() as server:
        yield server, job


def test_features(world):
    """Something that the viewer offers would not work."""
    server, job = world
    look("tests/browser/features.test.mjs", server, QUAERO_JOB=job, QUAERO_BIG="big00001")


def test_keyboard(world):
    """Whoever has no mouse could not start, search, point at lines, or cancel."""
    look("tests/browser/keyboard.test.mjs", world[0], QUAERO_SLOW="slow")


def test_accessible(world):
    """Whoever cannot see well, or at all, could not use a page."""
    look("tests/browser/axe.test.mjs", world[0], QUAERO_JOB=world[1])

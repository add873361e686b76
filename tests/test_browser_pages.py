"""Every page and feature of the viewer in a real, headless Chromium: by mouse, by keyboard, and by axe."""

import json
import os
import sys

import pytest
from browsing import ARTICLE, BIG_LINES, World, look

pytestmark = pytest.mark.browser

# One parameter of each kind that the form has a field for.
FORM = """
    id = "form"
    name = "Every field"
    [params.word]
    type = "string"
    required = true
    pattern = "[a-z]+"
    description = "Lower case"
    [params.colour]
    type = "string"
    choices = ["red", "green"]
    default = "red"
    [params.count]
    type = "int"
    min = 1
    max = 5
    default = 2
    [params.share]
    type = "float"
    default = 0.5
    [params.loud]
    type = "bool"
    default = false
    [params.names]
    type = "list"
    default = []
    [params.place]
    type = "path"
    default = "."
    [params.password]
    type = "string"
    secret = true
    default = ""
    [step.say]
    type = "shell"
    command = "echo {params.word} {params.password}"
"""


@pytest.fixture(scope="module")
def world(request, tmp_path_factory):
    """A server on a store with a failed import, a long log (at night of a million lines), a document."""
    world = World(tmp_path_factory.mktemp("world"))
    world.add_big_job("big00001", 1_000_000 if request.config.getoption("--nightly") else BIG_LINES)
    os.rename(world.shell.define("form", FORM), world.shell.folder / "jobdefs" / "form.toml")
    world.shell.run("run", "hello", "--quiet")
    world.shell.run("run", "nightly-import", "--quiet", code=1)
    world.add_document("big00001", "Harbour reopens", ARTICLE)
    jobs = world.shell.json("jobs")
    job = next(job["id"] for job in jobs if job["definition"] == "nightly-import")
    with world.shell.serving() as server:
        yield world.shell, server, job


def test_features(world):
    """Something that the viewer offers would not work."""
    shell, server, job = world
    command = json.dumps([sys.executable, "-m", "quaero_cli", "--home", str(shell.home)])
    look("tests/browser/features.test.mjs", server, QUAERO_JOB=job, QUAERO_BIG="big00001", QUAERO_COMMAND=command)


def test_starting(world):
    """A form would send what was not meant, or leave out what was; the palette would not reach something."""
    _, server, job = world
    look("tests/browser/starting.test.mjs", server, QUAERO_JOB=job)


def test_keyboard(world):
    """Whoever has no mouse could not start, search, point at lines, or cancel."""
    look("tests/browser/keyboard.test.mjs", world[1], QUAERO_SLOW="slow")


def test_accessible(world):
    """Whoever cannot see well, or at all, could not use a page."""
    look("tests/browser/axe.test.mjs", world[1], QUAERO_JOB=world[2])

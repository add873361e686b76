"""Options and fixtures of the whole suite."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio
from places import PLACES, place
from shells import Shell
from stage import Stage
from stores import Scribe, new_home
from web import Web, start_web

from quaero_cli.settings import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--nightly` makes the campaigns long; every run of one prints its seed."""
    parser.addoption("--nightly", action="store_true", help="run the campaigns at full length")


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C means the same to every process started here, and a campaign may take its time.

    A shell ignores SIGINT for what it starts with `&`, and that is inherited: no process of a test would hear it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--nightly"):
        config.option.timeout = 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What asks for `runs_on` or `anywhere` is run for each place; for workers at night only, if it is marked so."""
    if "runs_on" in metafunc.fixturenames:
        at_night = metafunc.definition.get_closest_marker("workers_at_night") is not None
        all_places = metafunc.config.getoption("--nightly") or not at_night
        metafunc.parametrize("runs_on", PLACES if all_places else PLACES[:1])


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How many rounds: the first number in CI, the second at night."""
    nightly = bool(request.config.getoption("--nightly"))
    return lambda smoke, full: full if nightly else smoke


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder of the test's own in which `quaero` is run."""
    return Shell(tmp_path)


@pytest.fixture
def anywhere(runs_on: str, tmp_path: Path) -> Iterator[Shell]:
    """A folder in which `quaero` is run, with jobs that run here, and then with jobs that run on workers."""
    with place(runs_on, tmp_path) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage for the engine."""
    return Stage(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A data directory with an empty store."""
    return new_home(tmp_path)


@pytest.fixture
def scribe(home: Settings) -> Iterator[Scribe]:
    """Writes into the store of `home`."""
    with closing(Scribe(home)) as made:
        yield made


@pytest.fixture
async def web(nursery: trio.Nursery) -> Web:
    """A web server of the test's own."""
    return await start_web(nursery)


@pytest.fixture
def search_path_as_before() -> Iterator[None]:
    """Code beside a definition must not hide a library from the rest of the process."""
    before = list(sys.path)
    yield
    assert sys.path == before

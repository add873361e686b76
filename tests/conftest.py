"""Options and fixtures of the whole suite."""

import signal
from collections.abc import Callable

import pytest


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


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How many rounds: the first number in CI, the second at night."""
    nightly = bool(request.config.getoption("--nightly"))
    return lambda smoke, full: full if nightly else smoke

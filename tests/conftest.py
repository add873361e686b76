"""Options and fixtures of the whole suite."""

from collections.abc import Callable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--nightly` makes the campaigns long; every run of one prints its seed."""
    parser.addoption("--nightly", action="store_true", help="run the campaigns at full length")


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How many rounds: the first number in CI, the second at night."""
    nightly = bool(request.config.getoption("--nightly"))
    return lambda smoke, full: full if nightly else smoke

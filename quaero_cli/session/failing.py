"""Errors out of nurseries, as the one error that they are about."""

from collections.abc import Iterator
from contextlib import contextmanager

from quaero_cli.errors import QuaeroError


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise a group's error alone when it is one that people should read, or when the group holds only one."""
    try:
        yield
    except BaseExceptionGroup as group:
        found = list(_leaves(group))
        known = next((error for error in found if isinstance(error, QuaeroError)), None)
        if known is not None:
            raise known from group
        if len(found) == 1:
            raise found[0] from None
        raise


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error

"""engine/failures.py: what is said of an exception is short, and whole where it may hold a secret."""

from quaero_cli.engine.failures import MAX_ERROR, TRACEBACK_BYTES, describe, traceback_fields
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.place import hide
from quaero_cli.masking.mask import Mask


def raised(error: BaseException) -> BaseException:
    """Return the exception with a traceback of its own."""
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_reason_is_bounded():
    """A step that fails with a page of 50 MB as its message would send it with every status."""
    reason = describe(ValueError("x" * 50_000_000))
    assert reason == "ValueError: " + "x" * (MAX_ERROR - 12) + "…"
    assert describe(StepFailed("short")) == "short"


def test_a_reason_is_masked_before_it_is_cut():
    """The beginning of a token would stand at the end of a long reason."""
    token = hide.set(Mask(["hunter2-hunter2"]).text)
    try:
        for place in range(MAX_ERROR - 30, MAX_ERROR):
            assert "hunter" not in describe(ValueError("x" * place + "hunter2-hunter2" + "y" * 100))
    finally:
        hide.reset(token)


def test_a_traceback_is_cut_between_lines():
    """Half a secret would be left at the cut, and nothing would recognise it."""
    error = raised(ValueError("\n".join(f"line {number} {'z' * 90}" for number in range(1000))))
    text = traceback_fields(error)["traceback"]
    assert len(text) <= TRACEBACK_BYTES
    assert all(line.startswith("line ") for line in text.splitlines())
    assert text.splitlines()[-1].startswith("line 999 ")
    huge = traceback_fields(raised(ValueError("x" * 100_000)))["traceback"]
    assert huge.splitlines()[-1] == "(a line of 100012 characters)"
    assert "raise error" in huge

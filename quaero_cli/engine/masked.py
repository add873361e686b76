"""The one gate through which the facts of a job with secrets leave: everything in them that may hold text is masked.

What cuts texts before they get here (a log's 64 KiB, a child's lines) has masked them before the cut. Pure.
"""

import dataclasses
import functools
from collections.abc import Callable

from quaero_cli.masking.mask import Mask
from quaero_cli.model import Fact, LogLine, LogLines

# Names by which the store finds its rows, and what no step can put a text into.
_KEPT = frozenset(("job", "step", "worker", "number", "attempt", "status", "time_us"))


def masked_emit(emit: Callable[[Fact], None], mask: Mask) -> Callable[[Fact], None]:
    """Return what emits a fact without the secrets."""
    mask_source = functools.lru_cache(maxsize=64)(mask.text)  # few, and the same again and again

    def emit_masked(fact: Fact) -> None:
        if isinstance(fact, LogLine):
            message, source = mask.text(fact.message), mask_source(fact.source)
            if fact.fields is None and message is fact.message and source is fact.source:
                emit(fact)  # the usual case, and a busy one: a new line is not made for nothing
            else:
                emit(fact._replace(message=message, source=source, fields=mask.value(fact.fields)))
            return
        if isinstance(fact, LogLines):
            emit(fact._replace(messages=[mask.text(message) for message in fact.messages]))
            return
        names = [field.name for field in dataclasses.fields(fact) if field.name not in _KEPT]
        emit(dataclasses.replace(fact, **{name: mask.value(getattr(fact, name)) for name in names}))

    return emit_masked

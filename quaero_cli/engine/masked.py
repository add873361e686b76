"""The one gate through which the facts of a job with secrets leave: everything in them that may hold text is masked.

What cuts texts before they get here (a log's 64 KiB, a child's lines) has masked them before the cut. Pure.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

from quaero_cli.masking.mask import Mask
from quaero_cli.model import Fact, LogLine, LogLines, PageMemo, PageVisited

# Names by which the store finds its rows, and what no step can put a text into.
_KEPT = frozenset(("job", "step", "worker", "status"))


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
            whole = "\n".join(fact.messages)  # one look at all of them is much quicker than one at each
            if mask.text(whole) is not whole or mask_source(fact.source) is not fact.source:
                messages = [mask.text(message) for message in fact.messages]
                fact = fact._replace(messages=messages, source=mask_source(fact.source))
            emit(fact)
            return
        if isinstance(fact, PageVisited):
            fact = _without_bytes(fact, mask)
        emit(mask.record(fact, _KEPT))

    return emit_masked


def _without_bytes(fact: PageVisited, mask: Mask) -> PageVisited:
    """A page kept as it came is masked in its bytes. Where a secret shows, nothing of the page is remembered.

    What is remembered is packed data, which masking would break: the page is then fetched as a new one next time.
    """
    document, memo = fact.document, fact.memo
    if document is not None and document.html is not None:
        document = replace(document, html=mask.bytes(document.html))
    if memo is not None and _shows(memo, mask):
        memo = None
    return fact._replace(document=document, memo=memo)


def _shows(memo: PageMemo, mask: Mask) -> bool:
    plain = memo._replace(facts=b"")
    return mask.bytes(memo.facts) is not memo.facts or mask.record(plain) != plain

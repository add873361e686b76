"""The items of a fan-out that a retry does not run again, recognised by what they are. Pure."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from quaero_cli.model import KeptItem
from quaero_cli.plaindata import text_of


class KeptItems:
    """What is left of them; an item that the list has twice was done as often as it was kept."""

    def __init__(self, items: Sequence[KeptItem], step: str) -> None:
        self._outputs: defaultdict[bytes, deque[Mapping[str, Any]]] = defaultdict(deque)
        for kept in items:
            if kept.step == step:
                self._outputs[_key(kept.item)].append(kept.outputs)

    def take(self, item: object) -> Mapping[str, Any] | None:
        """Return the outputs of the item's worker, once for each time that it was done; None: it is to be run."""
        left = self._outputs.get(_key(item)) if self._outputs else None
        return left.popleft() if left else None


def _key(item: object) -> bytes:
    try:
        return orjson.dumps(item, default=text_of, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):  # integers beyond 64 bits, lone surrogates
        return repr(item).encode(errors="backslashreplace")

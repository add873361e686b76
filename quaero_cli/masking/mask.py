"""A job's mask: its secrets, and what takes them out of texts, values and streams. Pure, and used from any thread."""

import dataclasses
import functools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from quaero_cli.masking.forms import forms
from quaero_cli.masking.stream import BytesMask, Finder, StreamMask, as_latin

MASK = "***"
# Digits of a number that may be a secret: longer ones are no secrets, and slow to write.
_LONGEST_NUMBER = 10**100
# Charsets of pages whose bytes are no UTF-8 that somebody would notice.
_WIDE = ("utf-16-le", "utf-16-be")


class Mask:
    """Hides a set of secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secrets)
        found = {form for secret in self.secrets for form in forms(secret)}
        self._forms = found
        self._texts = Finder(found, MASK)
        self._bytes = Finder({as_latin(text) for text in found}, MASK)

    @functools.cached_property
    def _wide(self) -> list[Finder]:
        """What finds the secrets in bytes that are UTF-16."""
        return [
            Finder({_as_wide(text, charset) for text in self._forms}, _as_wide(MASK, charset)) for charset in _WIDE
        ]

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        return self._texts.replace(text)

    def found(self, text: str) -> frozenset[str]:
        """Return what of the text is a secret, in whatever form it stands there."""
        expression = self._texts.expression(text)
        return frozenset() if expression is None else frozenset(expression.findall(text))

    def bytes(self, data: bytes) -> bytes:
        """Return the bytes without the secrets, where they are UTF-8, what agrees with it so far, or UTF-16."""
        text = data.decode("latin-1")
        masked = self._bytes.replace(text)
        if "\0" in text:  # else it is no UTF-16, at least no markup
            for finder in self._wide:
                masked = finder.replace(masked)
        return data if masked is text else masked.encode("latin-1")

    def value(self, value: Any) -> Any:  # noqa: ANN401 - whatever step code hands over
        """Return a value without the secrets, through lists, tables and records; a number as it is written."""
        if isinstance(value, str):
            return self._texts.replace(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self.record(value)
        if isinstance(value, list | tuple):
            return type(value)(map(self.value, value)) if type(value) in (list, tuple) else value
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self.record(value)
        return value

    def record(self, record: Any, kept: Collection[str] = ()) -> Any:  # noqa: ANN401 - any record, and the same
        """Return a dataclass or a named tuple without the secrets, but for the fields in `kept`.

        Numbers that are fields of their own stay: they are times, counts and states, and never a secret.
        """
        named = isinstance(record, tuple)
        names = record._fields if named else [field.name for field in dataclasses.fields(record)]
        found = {name: getattr(record, name) for name in names if name not in kept}
        texts = {name: self.value(value) for name, value in found.items() if not isinstance(value, int | float)}
        return record._replace(**texts) if named else dataclasses.replace(record, **texts)

    def _number(self, number: float) -> float | str:
        if isinstance(number, int) and abs(number) > _LONGEST_NUMBER:
            return number
        text = str(number)
        masked = self._texts.replace(text)
        return number if masked == text else masked

    def bytes_stream(self) -> BytesMask:
        """Return a mask for one stream of bytes (a child's pipe)."""
        return BytesMask(self._bytes)

    def text_stream(self) -> StreamMask:
        """Return a mask for one stream of text (what a function prints)."""
        return StreamMask(self._texts)


def _as_wide(text: str, charset: str) -> str:
    """Return the text whose characters are the bytes of this one in a charset."""
    return text.encode(charset, "surrogatepass").decode("latin-1")

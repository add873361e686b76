"""Is a document of the right types? Asked where a step hands it over: the step fails, and not the store. Pure."""

from quaero_cli.errors import StepFailed
from quaero_cli.model import Document

_TEXTS = ("url", "canonical_url", "title", "text", "content_hash")
_TEXTS_OR_NONE = ("published", "language", "site")
_NUMBERS = ("status", "fetched_at")
_LARGEST = 2**63 - 1  # of an INTEGER in SQLite


def check_document(document: Document) -> None:
    """Raise StepFailed, naming the field, unless every field is what the store can keep."""
    for name in (*_TEXTS, *_TEXTS_OR_NONE):
        value = getattr(document, name)
        if not isinstance(value, str) and not (value is None and name in _TEXTS_OR_NONE):
            raise StepFailed(f"a document's {name} must be text, not {type(value).__name__}")
    for name in _NUMBERS:
        value = getattr(document, name)
        if not isinstance(value, int) or abs(value) > _LARGEST:
            raise StepFailed(f"a document's {name} must be a whole number of at most 64 bits")
    for name in ("authors", "tags"):
        if not all(isinstance(item, str) for item in getattr(document, name)):
            raise StepFailed(f"a document's {name} must be texts")

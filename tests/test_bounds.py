"""engine/bounds.py: an entry is small whatever a step puts into its fields."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from quaero_cli.engine.bounds import MAX_FIELDS, bounded
from quaero_cli.model import MAX_ENTRY_BYTES

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), plain))
def test_ordinary_fields_are_left_alone(fields):
    """Fields would change their type or their order."""
    assert bounded(fields, None) == fields


def test_a_huge_text_is_cut_and_says_so():
    """A page of 50 MB in a field would be stored, and sent to every viewer."""
    kept = bounded({"url": "http://x/", "status": 200, "body": "ä" * 25_000_000}, None)
    assert list(kept) == ["url", "status", "body"]
    assert kept["url"] == "http://x/"
    assert kept["body"].endswith("ä…(50000000 bytes)")
    assert len(orjson.dumps(kept)) <= MAX_ENTRY_BYTES + 100


def test_small_values_stay_whole_beside_large_ones():
    """The URL would be cut because the body is long."""
    kept = bounded({"a": "x" * 200_000, "b": list(range(100_000)), "c": "short" * 20}, None)
    assert kept["c"] == "short" * 20
    assert kept["a"].endswith("x…(200000 bytes)")
    assert kept["b"].startswith("[0,1,2,")
    assert kept["b"].endswith(" bytes)")
    assert abs(len(kept["a"]) - len(kept["b"])) < 100, "they share the room"


def test_very_many_fields_are_counted():
    """A table of a million rows as fields would pass every bound."""
    kept = bounded({f"f{n}": n for n in range(10_000)}, None)
    assert len(kept) == MAX_FIELDS + 1
    assert kept["…"] == f"({10_000 - MAX_FIELDS} more fields)"
    assert len(orjson.dumps(bounded({"k" * 1000 + str(n): "v" * 1000 for n in range(10_000)}, None))) < 200_000


@settings(deadline=None)
@given(st.lists(st.integers(0, 80_000), min_size=1, max_size=20), st.sampled_from(["x", "ä", "\U0001f600", '"']))
def test_the_sum_is_bounded(sizes, char):
    """Many middling fields would make a large entry."""
    kept = bounded({f"f{n}": char * size for n, size in enumerate(sizes)}, None)
    assert sum(len(text.encode()) for text in kept.values()) <= MAX_ENTRY_BYTES + 32 * len(sizes)

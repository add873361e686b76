"""Near-duplicates: texts that say nearly the same are told from new ones."""

import random

import pytest

from quaero_cli.crawl.identity import Identities
from quaero_cli.crawl.reading.sketch import SIZE, sketch

WORDS = [f"word{n}" for n in range(3000)]


def _text(seed: int, words: int = 400) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def _changed(text: list[str], every: int) -> str:
    """The text with one word in so many replaced."""
    return " ".join("other" if n % every == every - 1 else word for n, word in enumerate(text))


@pytest.mark.parametrize(("every", "alike"), [(10_000, True), (100, True), (40, True), (4, False)])
def test_nearly_the_same(every: int, alike: bool) -> None:
    """One agency report in ten papers would look like ten reports; or two reports like one."""
    identities = Identities()
    text = _text(1)
    assert identities.similar(sketch(" ".join(text)), "http://a/") is None
    assert (identities.similar(sketch(_changed(text, every)), "http://b/") == "http://a/") is alike


def test_different_texts_are_different() -> None:
    """News would be called old."""
    identities = Identities()
    found = [identities.similar(sketch(" ".join(_text(seed))), f"http://a/{seed}") for seed in range(200)]
    assert found == [None] * 200


def test_wherever_two_fingerprints_differ_they_are_found() -> None:
    """A near-duplicate would be missed by bad luck: only its likes are compared with it, looked up by parts."""
    rng = random.Random(2)
    for differing, alike in ((6, True), (7, False)):
        for _ in range(300):
            identities = Identities()
            mark = [rng.randrange(2**27) for _ in range(SIZE)]
            assert identities.similar(mark, "http://a/") is None
            places = rng.sample(range(SIZE), differing)
            other = [number + 1 if place in places else number for place, number in enumerate(mark)]
            assert (identities.similar(other, "http://b/") is not None) is alike


def test_short_texts_are_not_compared() -> None:
    """Two flashes of a sentence would be alike by chance."""
    assert sketch("A short text.") == []
    identities = Identities()
    assert identities.similar([], "http://a/") is None
    assert identities.similar([], "http://b/") is None


def test_the_fingerprint_does_not_depend_on_the_process() -> None:
    """Two reading processes would never find the same article twice."""
    found = sketch("The Quick  brown, fox jumps over the lazy dog! " * 10)
    assert found == sketch("the quick brown fox — jumps over THE lazy dog " * 10)
    assert len(sketch(" ".join(_text(3)))) == SIZE

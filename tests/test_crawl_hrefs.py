"""The quick way of hrefs means what the thorough one does."""

import random

import pytest

from quaero_cli.crawl.reading.hrefs import Hrefs, links
from quaero_cli.crawl.urls import normalise

_PARTS = (
    "/", "//", "..", "../", "./", ".", "a", "b.html", "#x", "#", "?q=1", "?", "%41", "%2e", "%2E%2e", " ", "\t", "A",
    "~", "-", "_", ";jsessionid=1", ":", "http:", "http://h/", "https://H.x/a", "\\", "@", "é", "mailto:", "utm_x=1",
    "&", "...", "a..b", "/.", "//h", "x" * 600,
)  # fmt: skip
_BASES = (
    "http://h/", "http://h/a", "http://h/a/", "http://h/a/b/c.html", "https://h:8080/x/y?z=/q/r", "http://[::1]/a/b/",
    "http://h/a//b/", "http://h//", "http://h/" + "long/" * 300,
)  # fmt: skip


@pytest.mark.parametrize("base", _BASES)
def test_hrefs_mean_what_the_standard_says(base: str) -> None:
    """A page would be fetched by an address that it does not have, or be taken for two."""
    draw = random.Random(base)
    for _ in range(1_000):
        href = "".join(draw.choices(_PARTS, k=draw.randint(1, 6)))
        hrefs = Hrefs(base)
        assert hrefs.meant(href) == normalise(href, base), href
        assert hrefs.meant(href) == normalise(href, base), f"{href}, remembered"


def test_a_link_may_be_followed_if_one_of_its_hrefs_may() -> None:
    """A link would be lost because it also stands in a comment, where it is not to be followed."""
    hrefs = [("a", False), ("/a#b", True), ("../a", False), ("b", False), ("mailto:x@y", True), ("c", True)]
    assert links(hrefs, "http://h/", 10) == {"http://h/a": True, "http://h/b": False, "http://h/c": True}
    assert links(hrefs, "http://h/", 2) == {"http://h/a": True, "http://h/b": False}

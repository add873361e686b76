"""What a page asks of robots, in its markup or its headers. Pure."""

from collections.abc import Mapping
from typing import Any

X_ROBOTS_TAG = "x-robots-tag"


class Wishes:
    """`noindex`: do not keep the page; `nofollow`: do not follow its links. With `obey` off it asks for nothing."""

    def __init__(self, view: Mapping[str, Any], headers: Mapping[str, str], *, obey: bool) -> None:
        words = _header_words(headers.get(X_ROBOTS_TAG, ""))
        self.noindex = obey and (bool(view["noindex"]) or bool(words & {"noindex", "none"}))
        self.nofollow = obey and (bool(view["nofollow"]) or bool(words & {"nofollow", "none"}))


def _header_words(header: str) -> set[str]:
    """The words of X-Robots-Tag that concern us: `googlebot: noindex` names another robot, up to the next name."""
    words: set[str] = set()
    if not header:  # nearly always
        return words
    ours = True
    for part in header.lower().split(","):
        robot, colon, word = part.rpartition(":")
        if colon:
            ours = robot.strip() == "quaero"
        if ours:
            words.add(word.strip())
    return words

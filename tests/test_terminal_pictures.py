"""The pictures of the terminal: what is drawn is what was on the screen, and asks nobody for anything."""

import re
from xml.etree import ElementTree

from documents import ROOT
from terminal_pictures import picture

TEXT = "{http://www.w3.org/2000/svg}text"


def test_a_picture_is_text_with_colours():
    """A README would show a broken picture, or fetch a font from a stranger."""
    drawn = picture(["plain \x1b[31mred\x1b[0m", "<second> & last"], "quaero run x")
    lines = [each.text.replace("\xa0", " ") for each in ElementTree.fromstring(drawn).iter(TEXT) if each.text]
    assert "quaero run x" in lines
    assert "".join(lines).count("red") == 1
    assert "<second> & last" in "".join(lines)
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+|<!--.*?-->", "", drawn)


def test_the_pictures_of_the_readme_are_whole():
    """A picture that was cut off would be shown as nothing."""
    for name in ("terminal.svg", "terminal-failed.svg"):
        text = (ROOT / "docs" / name).read_text()
        assert "Nightly" in "".join(each.text or "" for each in ElementTree.fromstring(text).iter(TEXT))

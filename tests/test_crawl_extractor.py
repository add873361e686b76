"""The extractor leaves out comparisons whose outcome is certain, and reads the same as if it made them."""

import random
from types import SimpleNamespace

import pytest
from lxml import html
from trafilatura import core, external, utils, xml

from quaero_cli.crawl.reading import shortcuts
from quaero_cli.crawl.reading.extractor import markdown
from quaero_cli.crawl.reading.shortcuts import is_kept

URL = "http://news.example/story.html"
SENTENCES = (
    "The harbour bridge was opened on Tuesday after eleven years of building, two court cases and a flood.",
    "Several thousand people crossed it on foot, before the first tram was let through in the early afternoon.",
    "The mayor spoke for four minutes, which those present called a record; then the rain set in again.",
    "It cost 3 * 4 millions [sic] and \x02 a_b, says \\(x_1 + y\\), as \\* was to be seen.",
    "Critics recall that the first estimate was a third of the final sum, and that nobody has paid the rest yet.",
)
TEXT = " ".join(SENTENCES)
# Where parts of a page stand: some are the article, some its margins, and of some a parser makes text.
PLACES = (
    "<article>{}</article>",
    "<main>{}</main>",
    "<div class=content>{}</div>",
    "<div class=comment>{}</div>",
    "<aside>{}</aside>",
    "<footer>{}</footer>",
    "<table><tr><td>{}</td></tr></table>",
    "<iframe src=http://youtube.com/1>{}</iframe>",
    "<xmp>{} &amp; &lt;</xmp>",
    "<script>{}</script>",
    "<ul><li><a href=/a>{}</a></li></ul>",
)


def _page(seed: int) -> str:
    draw = random.Random(seed)
    parts = ["<article>{}</article>".format(f"<p>{TEXT}</p>" * draw.randrange(6))]
    for _ in range(draw.randrange(1, 6)):
        name = draw.choice(("p", "p", "div", "span", "h2"))
        text = "".join(f"<{name}>{draw.choice(SENTENCES)}</{name}>" for _ in range(draw.randrange(1, 8)))
        parts.append(draw.choice(PLACES).format(text))
    return f"<html><title>Bridge</title><body>{''.join(parts)}</body></html>"


def test_the_same_text_as_with_every_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Articles would lose their text where another algorithm finds it."""
    pages = [_page(seed) for seed in range(100)]
    found = [markdown(page, URL) for page in pages]
    monkeypatch.setattr(core, "compare_extraction", external.compare_extraction)
    monkeypatch.setattr(xml, "_escape_and_convert_math", shortcuts._escape_in_all)
    monkeypatch.setattr(utils, "INVALID_XML_CHARS", shortcuts._Forbidden._pattern)
    assert found == [markdown(page, URL) for page in pages]


@pytest.mark.parametrize("text", ["a*b_c`d~e[f]g<h", r"a \* b", r"\(x_1\) and \[y_2\] z", r"C:\dir \[x\]", "plain."])
def test_markup_in_a_text_is_escaped_all_the_same(text: str) -> None:
    """A text with a star would become emphasis, or a formula be spoilt."""
    assert xml._escape_and_convert_math(text) == shortcuts._escape_in_all(text)
    assert (shortcuts._escape_in_all(text) != text) is (text != "plain.")


def test_characters_that_xml_forbids_are_taken_out_all_the_same() -> None:
    """A page with one of them would have no text."""
    texts = [f"a{chr(number)}b" for number in (*range(0x21), 0x7F, 0x85, 0xD800, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600)]
    for text in texts:
        assert utils.INVALID_XML_CHARS.sub("", text) == shortcuts._Forbidden._pattern.sub("", text)


def _is_kept(page: str, text: str, body: str = "<p>{}</p>") -> bool:
    options = SimpleNamespace(focus="balanced", min_extracted_size=250)
    found = html.document_fromstring(body.format(text)).find("body")
    return is_kept(html.document_fromstring(page), found, text, options)


@pytest.mark.parametrize(
    ("beside", "kept"),
    [
        ("", True),
        (f"<aside>{SENTENCES[0]}</aside>", True),
        (f"<script>{TEXT * 3}</script><style>{TEXT}</style>", True),
        (f"<aside>{TEXT} again</aside>", False),
        (f"<iframe>{SENTENCES[0]}</iframe>", False),
    ],
)
def test_only_a_page_with_twice_as_much_text_is_looked_at_again(beside: str, kept: bool) -> None:
    """Each page would cost a fifth more, or a text that is elsewhere in the page would be missed."""
    assert _is_kept(f"<body><article><p>{TEXT}</p></article>{beside}</body>", TEXT) is kept


@pytest.mark.parametrize(
    "body", ["<div>{}</div>", "<table></table><table></table><p>{}</p>", "<p>{}</p><aside></aside>"]
)
def test_a_text_that_looks_damaged_is_compared(body: str) -> None:
    """A table or a margin would be taken for the article."""
    assert not _is_kept(f"<body><p>{TEXT}</p></body>", TEXT, body)


def test_a_short_text_is_compared() -> None:
    """A teaser would be taken for the article."""
    assert not _is_kept(f"<body><p>{SENTENCES[0]}</p></body>", SENTENCES[0])

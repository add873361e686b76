"""Bytes to text, as browsers do it."""

import pytest

from quaero_cli.crawl.reading.charset import codec_for, decode, prescan

WORDS = "Größe, naïve café \u2013 „Straße“ €"
CYRILLIC = "Москва и другие города говорят про погоду и урожай этого года."
JAPANESE = "日本語のニュース記事です。"


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (WORDS.encode(), "text/html; charset=utf-8", WORDS),
        (WORDS.encode(), "text/html", WORDS),
        (WORDS.encode(), "", WORDS),
        (WORDS.encode("cp1252"), "text/html; charset=iso-8859-1", WORDS),
        (WORDS.encode("cp1252"), 'text/html; Charset="Windows-1252"', WORDS),
        (WORDS.encode("cp1252"), "text/html;charset=latin1;x=y", WORDS),
        (b"\xef\xbb\xbf" + WORDS.encode(), "text/html; charset=iso-8859-1", WORDS),
        (b"\xff\xfe" + WORDS.encode("utf-16-le"), "text/html", WORDS),
        (b"\xfe\xff" + WORDS.encode("utf-16-be"), "text/html; charset=utf-8", WORDS),
        ("Œuvre à 5 €".encode("iso8859-15"), "text/html; charset=ISO-8859-15", "Œuvre à 5 €"),
        (CYRILLIC.encode("koi8-r"), "text/html; charset=koi8-r", CYRILLIC),
        (CYRILLIC.encode("cp1251"), "text/html; charset=windows-1251", CYRILLIC),
        (JAPANESE.encode("cp932"), "text/html; charset=Shift_JIS", JAPANESE),
        (JAPANESE.encode("euc-jp"), "text/html; charset=EUC-JP", JAPANESE),
        (JAPANESE.encode("iso2022-jp"), "text/html; charset=iso-2022-jp", JAPANESE),
        ("中文新闻".encode("gb18030"), "text/html; charset=gb2312", "中文新闻"),
        ("中文新聞".encode("big5"), "text/html; charset=big5", "中文新聞"),
        ("한국어 뉴스".encode("cp949"), "text/html; charset=euc-kr", "한국어 뉴스"),
        (b"caf\xc3\xa9 \xff", "text/html; charset=utf-8", "café \ufffd"),
        (WORDS.encode(), "text/html; charset=nonsense", WORDS),
        (WORDS.encode(), "text/html; charset=utf-7", WORDS),
        (b"", "", ""),
    ],
)  # fmt: skip
def test_decode(body: bytes, content_type: str, text: str) -> None:
    """Umlauts would come out as rubbish."""
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b'<meta charset="iso-8859-1">', "cp1252"),
        (b"<meta charset=utf8>", "utf-8"),
        (b"<META  CHARSET = 'KOI8-R' >", "koi8-r"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
        (b'<meta content="text/html; charset=windows-1251" http-equiv=content-type>', "cp1251"),
        (b'<meta content="text/html; charset=windows-1251">', None),
        (b'<meta name="x" content="y"><meta charset="big5">', "big5hkscs"),
        (b'<!-- <meta charset="big5"> --><meta charset="gbk">', "gb18030"),
        (b'<!--><meta charset="gbk">', "gb18030"),
        (b'<p title="<meta charset=big5>"><meta charset=utf-8>', "utf-8"),
        (b'<meta charset="utf-16le">', "utf-8"),
        (b'<meta charset="utf-7"><meta charset="cp1252">', "cp1252"),
        (b"<meta charset=", None),
        (b"<meta charset=big5", None),
        (b"<!-- <meta charset=utf-8>", None),
        (b'<meta charset="' + b"x" * 900, None),
        (b"plain text about <metal> and charset=utf-8", None),
        (b"\xff" * 1024, None),
    ],
)
def test_prescan(head: bytes, codec: str | None) -> None:
    """A page that declares its encoding in its first bytes would be guessed at."""
    assert prescan(head) == codec


def test_undeclared_pages_are_guessed() -> None:
    """Old pages without a declaration would come out as rubbish."""
    assert decode((CYRILLIC * 5).encode("cp1251"), "text/html") == CYRILLIC * 5
    late = ("ä" * 40_000).encode() + b"\xff"
    assert decode(late, "") == "ä" * 40_000 + "\ufffd"


@pytest.mark.parametrize(
    "name", ["rot13", "idna", "punycode", "zlib", "base64", "utf-7", "unicode_escape", "undefined", ""]
)
def test_other_codecs_are_no_charsets(name: str) -> None:
    """A page could choose a codec that runs for ever or makes other text of it."""
    assert codec_for(name) is None


def test_every_name_is_a_codec() -> None:
    """A misspelt codec would fail the first page that uses it."""
    from quaero_cli.crawl.reading.charset import _CODECS

    for codec in set(_CODECS.values()):
        "x".encode(codec)


@pytest.mark.parametrize(
    "head", [b"<!--" * 256, b"<meta " * 170, b"<a " * 340, b"<a b='" * 170, b"<" * 1024, b"</" * 512]
)
def test_the_prescan_is_quick_on_rubbish(head: bytes) -> None:
    """A hostile page could stall its process before anything is read."""
    assert prescan(head) is None

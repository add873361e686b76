"""Bytes of a page to text: byte order mark, HTTP header, `<meta>`, UTF-8, and only then a guess.

That is the order of the WHATWG standard, and so are the meanings of names: a page that says `iso-8859-1` means
windows-1252, `gb2312` means gb18030. Python's other codecs (`utf-7`, `rot13`, `idna`, …) are no charsets of pages
and are not looked up.
"""

import re

# The standard asks for `<meta>` in the first 1,024 bytes; browsers look further, and pages with long heads need it.
PRESCAN_BYTES = 16 * 1024
# Enough text to tell an encoding by; the guess is linear in it and slow.
_GUESS_BYTES = 32 * 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))

# Python codec for each group of names of https://encoding.spec.whatwg.org/ that is in use.
_NAMES: dict[str, str] = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 x-unicode20utf8 unicode11utf8 unicode20utf8",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 l1 ascii us-ascii "
    "ansi_x3.4-1968 ibm819 cp819 iso-ir-100 iso_8859-1:1987 csisolatin1",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 x-cp1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5 csisolatin5",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "cp866": "ibm866 cp866 866 csibm866",
    "cp874": "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620",
    "iso8859-2": "iso-8859-2 iso8859-2 iso88592 iso_8859-2 latin2 l2 csisolatin2",
    "iso8859-3": "iso-8859-3 iso8859-3 latin3 l3",
    "iso8859-4": "iso-8859-4 iso8859-4 latin4 l4",
    "iso8859-5": "iso-8859-5 iso8859-5 cyrillic csisolatincyrillic",
    "iso8859-6": "iso-8859-6 iso8859-6 arabic ecma-114 asmo-708",
    "iso8859-7": "iso-8859-7 iso8859-7 greek greek8 ecma-118 elot_928 sun_eu_greek",
    "iso8859-8": "iso-8859-8 iso8859-8 hebrew visual iso-8859-8-i logical",
    "iso8859-10": "iso-8859-10 iso8859-10 latin6 l6",
    "iso8859-13": "iso-8859-13 iso8859-13",
    "iso8859-14": "iso-8859-14 iso8859-14",
    "iso8859-15": "iso-8859-15 iso8859-15 iso885915 latin9 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "koi8-r koi koi8 koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "mac-roman": "macintosh mac x-mac-roman csmacintosh",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gb18030 gb2312 gbk gb_2312-80 x-gbk chinese csgb2312 csiso58gb231280 gb_2312 iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "euc-jp x-euc-jp cseucpkdfmtjapanese",
    "iso2022-jp": "iso-2022-jp csiso2022jp",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis",
    "cp949": "euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cseuckr csksc56011987",
    "utf-16-le": "utf-16le utf-16 unicode ucs-2 csunicode iso-10646-ucs-2 unicodefeff",
    "utf-16-be": "utf-16be unicodefffe",
}
_CODECS = {name: codec for codec, names in _NAMES.items() for name in names.split()}

_HEADER = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_SPACE = b"[\\x09\\x0a\\x0c\\x0d\\x20/]"
# How most pages begin: what comes before their charset needs no stepping over.
_USUAL = re.compile(
    rb"\s*<!doctype html>\s*<html(?: lang=\"[a-z-]{1,20}\")?>\s*<head>\s*<meta charset=\"utf-8\" ?/?>", re.IGNORECASE
)
# What the prescan steps over or looks at. Without nested repeats: it runs over hostile bytes.
_TAG = re.compile(rb"<!--|<meta" + _SPACE + rb"|</?[a-zA-Z]|<[!/?]", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb"[\x09\x0a\x0c\x0d\x20/]*([^\x09\x0a\x0c\x0d\x20/>=][^\x09\x0a\x0c\x0d\x20/>=]*)"
    rb"(?:[\x09\x0a\x0c\x0d\x20]*=[\x09\x0a\x0c\x0d\x20]*(?:\"([^\"]*)\"|'([^']*)'|([^\x09\x0a\x0c\x0d\x20>]*)))?"
)
_META_CONTENT = re.compile(
    rb"charset[\x09\x0a\x0c\x0d\x20]*=[\x09\x0a\x0c\x0d\x20]*"
    rb"(?:\"([^\"]*)\"|'([^']*)'|([^\x09\x0a\x0c\x0d\x20;\"']+))",
    re.IGNORECASE,
)


def decode(body: bytes, content_type: str) -> str:
    """The page's text; never fails. `content_type` is the whole header. Undecodable bytes become U+FFFD."""
    return text_of(source(body, content_type))


def source(body: bytes, content_type: str) -> str | bytes:
    """The page for a parser, which works in UTF-8: as it came where that is what it is in, else its text."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            rest = body[len(mark) :]
            return rest if codec == "utf-8" else rest.decode(codec, "replace")
    declared = header_codec(content_type) or prescan(body[:PRESCAN_BYTES])
    if declared is not None:
        return body if declared == "utf-8" else body.decode(declared, "replace")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        # One broken byte late in a long page does not make it another encoding.
        if error.start <= _GUESS_BYTES or body[: error.start].isascii():
            return body.decode(_guess(body), "replace")
    return body


def text_of(page: str | bytes) -> str:
    """The text of what `source` returned."""
    return page if isinstance(page, str) else page.decode("utf-8", "replace")


def codec_for(name: str) -> str | None:
    """The Python codec for a charset's name as pages use it; None for an unknown one."""
    return _CODECS.get(name.strip().lower())


def header_codec(content_type: str) -> str | None:
    """The codec that a Content-Type header names."""
    found = _HEADER.search(content_type)
    return codec_for(found.group(1)) if found else None


def prescan(head: bytes) -> str | None:
    """The codec that a `<meta>` among a page's first bytes names; comments and other tags are stepped over."""
    if _USUAL.match(head):
        return "utf-8"
    place = 0
    while (found := _TAG.search(head, place)) is not None:
        token = found.group().lower()
        if token == b"<!--":
            end = head.find(b"-->", found.start() + 2)
            place = len(head) if end < 0 else end + 3
        elif token.startswith(b"<meta"):
            attributes, place = _attributes(head, found.end() - 1)
            codec = _meta_codec(attributes) if head[place - 1 : place] == b">" else None  # else it is cut off
            if codec is not None:
                # A page that was read as bytes so far cannot be UTF-16.
                return "utf-8" if codec.startswith("utf-16") else codec
        elif token[-1:].isalpha():
            place = _attributes(head, _name_end(head, found.end()))[1]
        else:
            end = head.find(b">", found.end())
            place = len(head) if end < 0 else end + 1
    return None


def _meta_codec(attributes: dict[bytes, bytes]) -> str | None:
    charset = attributes.get(b"charset")
    if charset is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        found = _META_CONTENT.search(attributes.get(b"content", b""))
        charset = next((group for group in found.groups() if group is not None), None) if found else None
    return codec_for(charset.decode("latin-1")) if charset is not None else None


def _name_end(head: bytes, place: int) -> int:
    while place < len(head) and head[place] not in b"\x09\x0a\x0c\x0d\x20/>":
        place += 1
    return place


def _attributes(head: bytes, place: int) -> tuple[dict[bytes, bytes], int]:
    """A tag's attributes, the first of a name, and the place behind the tag."""
    attributes: dict[bytes, bytes] = {}
    while (found := _ATTRIBUTE.match(head, place)) is not None:
        name, *values = found.groups()
        value = next((value for value in values if value is not None), b"")
        attributes.setdefault(name.lower(), value)
        place = found.end()
    end = head.find(b">", place)
    return attributes, len(head) if end < 0 else end + 1


def _guess(body: bytes) -> str:
    from charset_normalizer import from_bytes  # a tenth of what a reading process loads, and few pages need it

    best = from_bytes(body[:_GUESS_BYTES]).best()
    return best.encoding if best is not None else "cp1252"

"""What is not HTML: pictures, the style sheet, and files of the kinds that a crawler meets and must not parse."""

import io
import json
import struct
import zipfile
import zlib
from functools import cache
from pathlib import Path

from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.edition import NAME

_HERE = Path(__file__).parent

# Sky at the top, sky at the horizon, sun, hills from far to near.
_PALETTES = (
    ("#f6d8ae", "#f2b5a7", "#fff4dc", "#b5838d", "#6d6875", "#3d405b"),
    ("#cfe8ef", "#f7f3e3", "#ffffff", "#85c7de", "#4a8fa8", "#1d4e63"),
    ("#fde2c8", "#f9c784", "#fcaf58", "#c97b5d", "#8a4f4d", "#4b2e39"),
    ("#d8e2dc", "#ffe5d9", "#ffcad4", "#9d8189", "#6b705c", "#3a3d34"),
    ("#22223b", "#4a4e69", "#f2e9e4", "#6c6a86", "#33334f", "#14142b"),
    ("#e0f2e9", "#fefae0", "#faedcd", "#a3b18a", "#588157", "#344e41"),
    ("#bde0fe", "#ffc8dd", "#fffffc", "#a2a6d6", "#6a6fae", "#3c3f77"),
)
_WIDTH, _HEIGHT, _STEP = 1200, 675, 100

# Files of the press page: address -> what it is called there.
FILES = {
    "/files/annual-report.pdf": "Annual report (PDF)",
    "/files/press-kit.zip": "Press kit (ZIP)",
    "/files/readers.json": "Reader figures (JSON)",
    "/files/rates.csv": "Advertising rates (CSV)",
    "/files/weather.png": "Weather map (PNG)",
    "/images/masthead.svg": "Masthead (SVG)",
}


def style() -> bytes:
    """Return the style sheet."""
    return (_HERE / "style.css").read_bytes()


def picture(seed: int, number: int) -> bytes:
    """Return an article's picture: sun and hills, drawn from its number."""
    draw = Draw(seed, number, "picture")
    top, bottom, sun, *hills = draw.pick(_PALETTES)
    x, y, r = draw.between(150, 1050), draw.between(120, 330), draw.between(45, 120)
    ridges = "".join(
        f'<path fill="{colour}" d="{_ridge(draw, 330 + 110 * layer, 90 - 15 * layer)}"/>'
        for layer, colour in enumerate(hills)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<linearGradient id="s" x2="0" y2="1"><stop stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/>'
        f'</linearGradient><path fill="url(#s)" d="M0 0h{_WIDTH}v{_HEIGHT}H0z"/>'
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="{sun}"/>{ridges}</svg>\n'
    ).encode()


def _ridge(draw: Draw, level: int, height: int) -> str:
    """Return a hilly outline around `level`, closed at the bottom."""
    heights = [level + draw.between(-height, height) for _ in range(_WIDTH // _STEP + 1)]
    curve = "".join(
        f"C{x + _STEP // 2} {left} {x + _STEP // 2} {right} {x + _STEP} {right}"
        for x, left, right in zip(range(0, _WIDTH, _STEP), heights, heights[1:], strict=False)
    )
    return f"M0 {heights[0]}{curve}V{_HEIGHT}H0z"


def masthead() -> bytes:
    """Return the newspaper's name as a drawing."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 90"><text x="310" y="62" text-anchor="middle" '
        f'font-family="Georgia, serif" font-size="52">{NAME}</text></svg>\n'
    ).encode()


def favicon() -> bytes:
    """Return the little Q."""
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        b'<rect width="32" height="32" rx="6" fill="#8a1c2b"/>'
        b'<circle cx="15" cy="15" r="8" fill="none" stroke="#fff" stroke-width="3.5"/>'
        b'<path stroke="#fff" stroke-width="3.5" stroke-linecap="round" d="m18 19 6 6"/></svg>\n'
    )


@cache
def pdf() -> bytes:
    """Return a PDF of one page with one line."""
    line = b"BT /F1 24 Tf 72 720 Td (Annual report: nothing happened, and we covered it.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
    ]
    result = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(result))
        result += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(result)
    result += b"xref\n0 5\n0000000000 65535 f \n" + table
    result += b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(result)


@cache
def archive() -> bytes:
    """Return a ZIP file with the masthead and a note; its date is fixed, so that its bytes are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, data in (("masthead.svg", masthead()), ("README.txt", b"Free to use.\n")):
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def readers() -> bytes:
    """Return figures as JSON."""
    return json.dumps({"paper": NAME, "readers": {"2024": 11200, "2025": 12750}, "links": ["/not/a/link"]}).encode()


def rates() -> bytes:
    """Return a price list as CSV."""
    return b"format,width_mm,price_eur\nfull page,280,1200\nhalf page,280,700\nsmall,90,80\n"


@cache
def weather() -> bytes:
    """Return a PNG of 64 x 64 pixels: a gradient."""
    size = 64
    rows = b"".join(b"\x00" + bytes(v for x in range(size) for v in (x * 4, 120, y * 4)) for y in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )

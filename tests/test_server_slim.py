"""What is left out of the viewer's files before they travel."""

import gzip
import re

from quaero_cli.resources import shipped
from quaero_cli.server.app import viewer_files
from quaero_cli.server.slim import slim_code, slim_page, slim_style, with_views


def test_comments_go_and_lines_stay():
    """The page would break, or an error in it would point to another line."""
    code = b'/** What it is.\n * More. */\nlet a = "// no";\n  // why\n  a /= 2; /* here */\n\n/*\n x\n*/\nlet b = 1;'
    code += b'  // why\nc("a // b");'
    assert slim_code(code) == b'\n\nlet a = "// no";\n\na /= 2; /* here */\n\n\n\n\nlet b = 1;\nc("a // b");'


def test_a_style_sheet_is_packed():
    """The page would look different from what its makers wrote."""
    style = '/* Why. */\n.a :is(b, i)::before { content: " ▾, "; color: red; }\n\n'
    style += "@media (width < 9px) {\n  .c { top: calc(1px + 2px); }\n}\n"
    packed = '\n.a :is(b,i)::before{content:" ▾, ";color:red;}\n@media (width < 9px){\n.c{top:calc(1px + 2px);}\n}\n'
    assert slim_style(style.encode()).decode() == packed


def test_views_are_put_in():
    """A page of the viewer would be empty."""
    views = {"jobs": b"<p>$1 \\1</p>"}
    page = b"<body>\n  <!-- view: jobs -->\n<!-- view: none -->\n<!-- other -->\n"
    assert with_views(page, views.get) == b"<body>\n<p>$1 \\1</p>\n\n<!-- other -->\n"
    assert slim_page(b"<p>\n  <b>x</b>\n</p>") == b"<p>\n<b>x</b>\n</p>"


def test_no_text_of_the_viewer_spans_lines():
    """A comment, or white space, within a text would be left out."""
    for path in shipped("viewer").glob("js/**/*.js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.partition(" // ")[0]
            if not code.strip().startswith(("*", "/*", "//")):
                assert code.count("`") % 2 == 0, f"{path}:{number}"


def test_the_viewer_is_small():
    """On a slow line the page would let its reader wait: all that it ever asks for, packed file by file."""
    files = viewer_files()
    index = files.index().body
    names = {name.decode() for name in re.findall(rb'"static/([^"]+)"', index)}
    assert "js/app.js" in names
    icons = {name for name in files.names() if name.endswith(".svg")}
    sizes = {name: len(gzip.compress(files.get(name).body, 9)) for name in names | icons}
    assert sum(sizes.values()) + len(gzip.compress(index, 9)) < 100_000, sizes


def test_the_page_asks_for_few_files():
    """Each request is a wait before the first line is seen; an import that the page does not name is another."""
    files = viewer_files()
    named = set(re.findall(rb'"static/([^"]+)"', files.index().body))
    assert len(named) <= 6
    imported = re.findall(rb'^import .*"\.\./([^"]+)";$', files.get("js/app.js").body, re.MULTILINE)
    assert imported
    assert set(imported) <= named
    assert b"@import" not in files.get("css/page.css").body

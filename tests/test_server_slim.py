"""What is left out of the viewer's files before they travel."""

import gzip

from quaero_cli.resources import shipped
from quaero_cli.server.app import viewer_files
from quaero_cli.server.slim import slim_code, slim_page, with_modules, with_views


def test_comments_go_and_lines_stay():
    """The page would break, or an error in it would point to another line."""
    code = b'/** What it is.\n * More. */\nlet a = "// no";\n  // why\n  a /= 2; /* here */\n\n/*\n x\n*/\nlet b = 1;'
    assert slim_code(code) == b'\n\nlet a = "// no";\n\na /= 2; /* here */\n\n\n\n\nlet b = 1;'


def test_views_are_put_in():
    """A page of the viewer would be empty."""
    views = {"jobs": b"<p>$1 \\1</p>"}
    page = b"<body>\n  <!-- view: jobs -->\n<!-- view: none -->\n<!-- other -->\n"
    assert with_views(page, views.get) == b"<body>\n<p>$1 \\1</p>\n\n<!-- other -->\n"
    assert with_modules(b"<head>\n  <!-- modules -->\n", ["js/a.js"]) == (
        b'<head>\n<link rel="modulepreload" href="static/js/a.js">\n'
    )
    assert slim_page(b"<p>\n  <b>x</b>\n</p>") == b"<p>\n<b>x</b>\n</p>"


def test_no_text_of_the_viewer_spans_lines():
    """A comment, or white space, within a text would be left out."""
    for path in shipped("viewer").glob("js/**/*.js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.partition(" // ")[0]
            if not code.strip().startswith(("*", "/*", "//")):
                assert code.count("`") % 2 == 0, f"{path}:{number}"


def test_the_viewer_is_small():
    """On a slow line the page would let its reader wait. Packed as one archive, npm packages included."""
    files = viewer_files()
    names = [name for name in files.names() if not name.startswith("views/") and name != "index.html"]
    assets = [files.index(), *map(files.get, names), *(files.get(f"vendor/{name}") for name in files.vendor_names)]
    assert len(gzip.compress(b"".join([asset.body for asset in assets]), 9)) < 100_000

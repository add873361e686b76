"""Scripts and style sheets that are handed out with all that they import."""

import json
import shutil
import subprocess

import pytest

from quaero_cli.resources import shipped
from quaero_cli.server.files import Files
from quaero_cli.server.join import join_modules, join_styles

MODULES = {
    "js/app.js": 'import { double as twice, URLS } from "./lib/a.js";\n'
    'import { deep } from "./lib/b.js";\n'
    'import "./lib/c.js";\n'
    "console.log(JSON.stringify([twice(4), deep(), URLS, globalThis.order, import.meta.url]));",
    "js/lib/a.js": "globalThis.order = (globalThis.order ?? []).concat('a');\n"
    "export function double(x) { return 2 * x; }\n"
    "export const URLS = [import.meta.url];",
    "js/lib/b.js": 'import { double } from "./a.js";\nimport { basename } from "../../vendor/x.js";\n'
    "globalThis.order.push('b');\nconst own = 5;\n"
    "export async function unused() {}\n"
    "export class Deep { static get() { return basename(String(double(own))); } }\n"
    "const inner = () => Deep.get();\nexport { inner as deep };",
    "js/lib/c.js": "globalThis.order.push('c');",
}


@pytest.mark.skipif(shutil.which("node") is None, reason="runs JavaScript")
def test_the_joined_script_does_what_its_modules_do(tmp_path):
    """The page would break, or do things in another order, or look for its server in another place."""
    told = []
    for folder, files in (("apart", MODULES), ("joined", {"js/app.js": join_modules("js/app.js", MODULES.get)})):
        home = tmp_path / folder
        for name, text in {**files, "vendor/x.js": "export const basename = (x) => x;", "package.json": "{}"}.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        (home / "package.json").write_text('{"type": "module"}')
        done = subprocess.run(["node", str(home / "js" / "app.js")], capture_output=True, text=True, check=True)
        told.append(json.loads(done.stdout.replace(home.as_uri(), "")))
    assert told[0] == told[1] == [8, "10", ["/js/lib/a.js"], ["a", "b", "c"], "/js/app.js"]


def test_modules_that_import_each_other_are_refused():
    """One of them would be used before it is there."""
    round_ = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(ValueError, match=r"a\.js > b\.js > a\.js"):
        join_modules("a.js", round_.get)


def test_every_import_and_export_of_the_viewer_is_understood():
    """A module would stay an import within a function, and the whole page would not start."""
    root = shipped("viewer")
    joined = join_modules("js/app.js", lambda name: _text(root / name))
    outside = [line for line in joined.splitlines() if line.startswith("import ")]
    assert len(outside) == 2
    assert not [line for line in joined.splitlines() if line.startswith("export ")]
    for path in root.glob("js/**/*.js"):
        for line in path.read_text().splitlines():
            assert not line.startswith(("export let", "export var", "export default", "export *", "await ")), path


def _text(path):
    return path.read_text() if path.is_file() and "node_modules" not in path.parts else None


def test_styles_are_put_in_in_order():
    """A rule would be overruled by one that is meant to come before it."""
    sheets = {"css/page.css": '@import "b.css";\n@import "a.css";\np {}', "css/a.css": "a {}", "css/b.css": "b {}"}
    assert join_styles("css/page.css", sheets.get) == "b {}\na {}\np {}"


def test_a_change_in_a_part_is_seen(tmp_path):
    """Whoever works on the viewer would see the old page until the server is started anew."""
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "app.js").write_text('import { a } from "./a.js";\na();')
    (tmp_path / "js" / "a.js").write_text("export const a = () => 1;")
    files = Files(tmp_path, lambda _: None, frozenset())
    first = files.get("js/app.js")
    assert files.get("js/app.js") is first
    (tmp_path / "js" / "a.js").write_text("export const a = () => 22;")
    assert b"22" in files.get("js/app.js").body
    assert files.get("js/app.js").etag != first.etag
    (tmp_path / "js" / "app.js").unlink()
    assert files.get("js/app.js") is None

"""Names, IDs, levels, fields, lines and documents that attack whoever looks at them in the viewer."""

from contextlib import closing

import pytest
from browsing import World, look
from stores import NOW, Scribe

from quaero_cli.model import (
    Document,
    DocumentFound,
    JobChanged,
    Level,
    LogLine,
    NewJob,
    Status,
    StepChanged,
    StepRow,
    WorkerChanged,
)  # fmt: skip
from quaero_cli.store.queue import claim, enqueue

pytestmark = pytest.mark.browser

# Each says so if it is ever more than text. `x()` is defined by no page.
BODIES = (
    "<script>globalThis.pwned=1</script>",
    "<img src=x onerror=globalThis.pwned=1>",
    "<svg onload=globalThis.pwned=1>",
    '"><script>globalThis.pwned=1</script>',
    "'-globalThis.pwned-'",
    "javascript:globalThis.pwned=1",
    "</textarea></title><svg/onload=globalThis.pwned=1>",
    "${globalThis.pwned=1}",
    "{{globalThis.pwned=1}}",
    "<a href=javascript:globalThis.pwned=1 x-init=globalThis.pwned=1>go</a>",
    "<div x-data x-init='globalThis.pwned=1'>",
    "<style>*{display:none}</style>",
    "<iframe srcdoc='<script>1</script>'>",
    "<base href=https://evil.test/>",
    "<link rel=stylesheet href=https://evil.test/x.css>",
    "<template><b>x</b></template>",
    "\u202egnp.exe",
    "\x1b]8;;javascript:globalThis.pwned=1\x07link\x1b]8;;\x07",
    "\x1b[31m<img src=x onerror=globalThis.pwned=1>",
    "]]><!--",
    "&lt;script&gt;",
    "__proto__",
    "constructor",
    "toString",
    "%00%0a%0d",
    "\u2028\u2029\ufeff",
    "A" * 3000,
    "<math><mi//xlink:href='data:x,<script>1</script>'>",
    "expression(globalThis.pwned=1)",
    "url(https://evil.test/)",
    "![x](https://evil.test/x.png)",
    "[x](javascript:globalThis.pwned=1)",
    "<!-- view: jobs -->",
)
PAYLOADS = [f"{body}{tail}" for body in BODIES for tail in ("", " x", "\n<b>", "\t'\"", "`", "\\")][:200]


def _facts(job: str):
    step = PAYLOADS[1]
    yield StepChanged(job, step, Status.RUNNING, NOW)
    for number, payload in enumerate(PAYLOADS, 1):
        level = (Level.INFO, Level.ERROR, Level.WARN)[number % 3]
        yield WorkerChanged(job, step, number, Status.RUNNING, NOW, label=payload[:200])
        yield LogLine(
            job,
            step,
            number,
            NOW,
            level,
            payload,
            "worker",
            payload[:100],
            {payload[:60]: payload, "n": {payload[:60]: 1}},
        )
        yield WorkerChanged(job, step, number, Status.FAILED, NOW, error=payload)
        url = f"https://news.test/{number}?{payload[:80]}" if number % 2 else f"javascript:globalThis.pwned={number}"
        yield DocumentFound(
            job, Document(url, url, payload[:300], payload, "0" * 64, 200, NOW, (payload,), payload, payload, payload)
        )
    yield StepChanged(job, step, Status.FAILED, NOW, error=PAYLOADS[2])
    yield JobChanged(job, Status.FAILED, NOW, 1, error=PAYLOADS[3])


def test_hostile_text_stays_text(tmp_path):
    """Whoever can put a line into a log, or a page on the web, would run code in the browser of the operator."""
    world = World(tmp_path)
    for job in ("hostile1", PAYLOADS[6]):
        row = (StepRow(PAYLOADS[1], PAYLOADS[7]),)
        enqueue(
            world.settings.database,
            NewJob(
                job,
                PAYLOADS[8],
                PAYLOADS[0],
                "api",
                "",
                "",
                PAYLOADS[9],
                {PAYLOADS[1]: PAYLOADS[2]},
                row,
                overlap="allow",
            ),
        )
        assert claim(world.settings.database, job) == 1
    with closing(Scribe(world.settings)) as scribe:
        scribe.write(_facts("hostile1"))
    evil = "<img src=x onerror=globalThis.pwned=1>"
    text = f'id = "evil"\nname = "{evil}"\ndescription = "{evil}"\ntags = ["{evil}"]\n[params.a]\ntype = "string"\n'
    text += f'default = "{evil}"\ndescription = "{evil}"\n[step.x]\ntype = "shell"\ncommand = "true"\n'
    (tmp_path / "jobdefs" / "evil.toml").write_text(text)
    (tmp_path / "jobdefs" / "bad.toml").write_text(f'id = "bad"\n[step.x]\ntype = "{evil}"\n')
    with world.shell.serving() as server:
        look("tests/browser/hostile.test.mjs", server, QUAERO_JOB="hostile1")

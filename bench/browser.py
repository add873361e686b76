"""Runs a part of viewer/tests/bench.mjs: node with a real, headless Chromium on a running server."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.homes import PATIENCE, Server, ending

_VIEWER = Path(__file__).resolve().parent.parent / "viewer"


def browse(part: str, server: Server, ready: Callable[[], None] | None = None, **told: object) -> Any:
    """Run a part to its end and return what it found; `ready` is called when it says so.

    `told` are its variables. Raises RuntimeError when there is no Chromium, or node fails.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("Chromium is missing: just browser")
    variables = {"URL": f"http://127.0.0.1:{server.port}", "TOKEN": server.token, "CHROMIUM": chromium, **told}
    environment = {f"QUAERO_{name.upper()}": _text(value) for name, value in variables.items()}
    command = ["node", "tests/bench.mjs", part]
    with ending(
        subprocess.Popen(command, cwd=_VIEWER, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
    ) as node:
        assert node.stdout is not None
        if ready is not None and node.stdout.readline().strip() == "ready":
            ready()
        out, _ = node.communicate(timeout=PATIENCE)
    if node.returncode:
        raise RuntimeError(f"node tests/bench.mjs {part} ended with {node.returncode}")
    return json.loads(out.splitlines()[-1])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

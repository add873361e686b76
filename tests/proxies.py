"""A real nginx, before a server under test or before files, with the settings that most people have: none."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ports import own_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx: `just proxy` installs it")

_CONFIG = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {log};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/css css; image/png png; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            {place}
        }}
    }}
}}
"""
_PASS = """
            proxy_pass http://127.0.0.1:{target};
            proxy_http_version 1.1;
            proxy_set_header Host 127.0.0.1:{target};
            proxy_set_header Connection "";
"""


@dataclass
class Proxy:
    """One nginx. `port` stays the same when it is started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it listens when this returns."""
        self.process = subprocess.Popen([str(NGINX), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")])
        while True:
            assert self.process.poll() is None, (self.folder / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except ConnectionRefusedError:
                continue

    def stop(self) -> None:
        """Stop it at once, with all its connections."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def asked(self) -> list[tuple[str, int]]:
        """The access log of `files_of`: targets and statuses."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [(line.split('"')[1].split(" ")[1], int(line.split('"')[2].split()[0])) for line in lines]


@contextmanager
def proxy_to(target: int, folder: Path) -> Iterator[Proxy]:
    """Run nginx in front of a port of this machine."""
    with _running(folder, _PASS.format(target=target), "off") as proxy:
        yield proxy


@contextmanager
def files_of(root: Path, folder: Path) -> Iterator[Proxy]:
    """Serve the files below `root`, and write down what is asked for."""
    with _running(folder, f"root {root};", f"{folder}/access.log") as proxy:
        yield proxy


@contextmanager
def _running(folder: Path, place: str, log: str) -> Iterator[Proxy]:
    folder.mkdir()
    port = own_port()
    user = "user root;" if os.geteuid() == 0 else ""
    text = _CONFIG.format(folder=folder, port=port, place=place, log=log, user=user)
    (folder / "nginx.conf").write_text(text)
    proxy = Proxy(folder, port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()

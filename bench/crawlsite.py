"""The generated news site behind nginx: what the crawlers of `crawl` are compared on. `NGINX` None: there is none."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.homes import ending
from bench.newssite import write_links, write_site

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NO_NGINX = "no nginx: `just proxy` installs it"
# Seconds in which it must listen.
_START_SECONDS = 20.0

_CONFIG = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    open_file_cache max=10000;
    types {{ text/html html; text/plain txt; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        root {folder}/site;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class NewsSite:
    """A site that is served. `url` is its first page; `links` that of a part which is nothing but links."""

    url: str
    folder: Path
    pages: int  # that can be reached from the first
    links: str


@contextmanager
def serving(articles: int, linked: int) -> Iterator[NewsSite]:
    """Write a site of so many articles, and one of `linked` links, and serve both for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="quaero-site-") as name, socket.create_server(("127.0.0.1", 0)) as probe:
        folder, port = Path(name), probe.getsockname()[1]
        probe.close()
        pages = write_site(folder / "site", articles)
        write_links(folder / "site" / "links", linked)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port, user=user))
        assert NGINX is not None
        with ending(
            subprocess.Popen([NGINX, "-p", name, "-c", f"{name}/nginx.conf"], stderr=subprocess.DEVNULL)
        ) as it:
            _wait_for(it, port)
            url = f"http://127.0.0.1:{port}/"
            yield NewsSite(url, folder / "site", pages, f"{url}links/")
            it.terminate()
            it.wait()


def _wait_for(nginx: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except ConnectionRefusedError:
            if nginx.poll() is not None or time.monotonic() > until:
                raise RuntimeError("nginx did not start") from None

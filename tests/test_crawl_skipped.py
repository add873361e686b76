"""Whole crawls over real HTTP on loopback: what is left alone, and what is kept once."""

import gzip
from pathlib import Path

import pytest
from crawling import run_crawl
from web import Answer, Web


async def test_what_is_no_page_is_skipped(tmp_path: Path, web: Web) -> None:
    """Films and archives would be downloaded, or bombs unpacked."""
    web.page("/", links=["/film", "/huge", "/chunked", "/bomb", "/brotli", "/untyped"])
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    web.routes |= {
        "/film": Answer(body=b"\0" * 1000, content_type="video/mp4"),
        "/huge": Answer(body="x" * 300_000),
        "/chunked": Answer(
            raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 8
        ),
        "/bomb": Answer(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}),
        "/brotli": Answer(body=b"\x8b\x00\x80", headers={"Content-Encoding": "br"}),
        "/untyped": Answer(body="<p>fine", content_type=None),
    }
    ran = await run_crawl(tmp_path, web.url, max_bytes=200_000)
    assert ran.reasons(web.url) == {
        "/film": "not html",
        "/huge": "too large",
        "/chunked": "too large",
        "/bomb": "too large",
        "/brotli": "content encoding 'br' was not asked for",
    }
    assert {worker.status for worker in ran.workers} == {"completed"}


async def test_the_same_content_is_kept_once(tmp_path: Path, web: Web) -> None:
    """A mirror would be stored as another article."""
    web.page("/", links=["/a", "/copy"])
    web.add("/a", Answer(body="<p>the same"))
    web.add("/copy", Answer(body="<p>the same"))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert ran.reasons(web.url) == {"/copy": "duplicate content"}
    assert ran.lines_of("Skipped")[0].fields["to"] == f"{web.url}/a"


async def test_canonical_addresses(tmp_path: Path, web: Web) -> None:
    """Print versions and tracking copies would be stored beside the article, or the article be lost."""

    def page(path: str, canonical: str) -> None:
        web.page(path, head=f'<link rel="canonical" href="{canonical}">', body=path)

    web.page(
        "/", links=["/a", "/a/print", "/only-print", "/own", "/home", "/gone-print", "/ext1", "/ext2", "/secure"]
    )
    web.page("/a")
    page("/a/print", "/a")  # of a known page
    page("/only-print", "/unlinked")  # of a page that nothing else leads to
    web.page("/unlinked")
    page("/own", "/own")
    page("/home", "/")  # a mistake: every page calls the first page canonical
    page("/gone-print", "http://elsewhere.invalid/x")  # of a page outside
    page("/ext1", "http://other.invalid/same")
    page("/ext2", "http://other.invalid/same")
    page("/secure", web.url.replace("http:", "https:") + "/secure")
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert ran.reasons(web.url) == {
        "/a/print": "duplicate of canonical",
        "/only-print": "duplicate of canonical",
        "/ext2": "duplicate of canonical",
    }
    kept = {document.url.removeprefix(web.url) for document in ran.documents}
    assert kept == {"/", "/a", "/unlinked", "/own", "/home", "/gone-print", "/ext1", "/secure"}


@pytest.mark.parametrize("gone", [404, 410, 503, "cut", "pdf", "robots"])
async def test_a_canonical_address_that_cannot_be_had(tmp_path: Path, web: Web, gone: int | str) -> None:
    """An article would be lost because it names an original that is gone, or that broke before it was there."""
    web.page("/", links=["/print", "/mobile", "/broken"])
    head = '<link rel="canonical" href="/original">'
    web.page("/print", head=head, body="print", links=["/next"])
    web.page("/mobile", head=head, body="mobile")
    web.page("/broken", head=head, body="broken")
    web.page("/next")
    answers = {
        "cut": Answer(cut=True),
        "pdf": Answer(body="%PDF", content_type="application/pdf"),
        "robots": Answer(301, headers={"Location": "/no/original"}),
    }
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /no\n"))
    web.add("/original", answers[gone] if isinstance(gone, str) else Answer(gone))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    kept = {document.url.removeprefix(web.url) for document in ran.documents}
    assert kept == {"/", "/print", "/next"}
    assert web.hits["/print"] == 2
    assert web.hits["/mobile"] == web.hits["/broken"] == web.hits["/next"] == 1


async def test_a_page_that_stands_in_for_its_original_may_be_gone_as_well(tmp_path: Path, web: Web) -> None:
    """The last copy of an article would be left alone in favour of two pages of which none is there."""
    web.page("/", links=["/print", "/mobile"])
    head = '<link rel="canonical" href="/original">'
    served = [Answer(body=f"<!doctype html><title>p</title>{head}<body>print"), Answer(404)]
    web.add("/print", lambda _request: served.pop(0))
    web.page("/mobile", head=head, body="mobile")
    web.add("/original", Answer(404))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert {document.url.removeprefix(web.url) for document in ran.documents} == {"/", "/mobile"}


async def test_a_canonical_address_that_leads_back(tmp_path: Path, web: Web) -> None:
    """Two addresses that point to each other would lose the article altogether."""
    web.page("/", links=["/new"])
    web.page("/new", head='<link rel="canonical" href="/old">')
    web.add("/old", Answer(301, headers={"Location": "/new"}))
    ran = await run_crawl(tmp_path, web.url)
    assert f"{web.url}/new" in {document.url for document in ran.documents}


@pytest.mark.parametrize("pages", [2, 3, 7])
async def test_canonical_addresses_in_a_ring(tmp_path: Path, web: Web, pages: int) -> None:
    """Pages that call each other the original would all be left alone, and the article be lost."""
    web.page("/", links=[f"/{n}" for n in range(pages)])
    for n in range(pages):
        web.page(f"/{n}", head=f'<link rel="canonical" href="/{(n + 1) % pages}">', body="the same")
    ran = await run_crawl(tmp_path, web.url)
    kept = {document.url for document in ran.documents} - {f"{web.url}/"}
    assert len(kept) == 1
    assert ran.summary()["skipped_by_reason"] == {"duplicate of canonical": pages - 1}

"""Whole crawls over real HTTP on loopback: where redirects lead."""

from pathlib import Path

from crawling import run_crawl
from web import Answer, Web


async def test_a_chain_of_redirects_is_one_page(tmp_path: Path, web: Web) -> None:
    """max_pages would be used up by hops, or the page be fetched again under its last address."""
    web.page("/", links=["/1", "/end"])
    web.add("/1", Answer(301, headers={"Location": "/2"}))
    web.add("/2", Answer(302, headers={"Location": f"{web.url}/end2"}))
    web.page("/end2")
    web.page("/end")
    ran = await run_crawl(tmp_path, web.url, max_pages=3)
    assert ran.outputs["pages"] == 3
    moved = [line.fields for line in ran.lines_of("Fetched") if "redirected_from" in line.fields]
    assert [(fields["url"], fields["redirected_from"]) for fields in moved] == [(f"{web.url}/end2", f"{web.url}/1")]


async def test_redirects_that_lead_nowhere(tmp_path: Path, web: Web) -> None:
    """A loop would run for ever; a redirect could lead out of the fence."""
    long = {f"/long{n}": Answer(302, headers={"Location": f"/long{n + 1}"}) for n in range(9)}
    web.routes |= {
        **long,
        "/loop": Answer(302, headers={"Location": "/loop2"}),
        "/loop2": Answer(302, headers={"Location": "/loop"}),
        "/self": Answer(302, headers={"Location": "/self#x"}),
        "/out": Answer(302, headers={"Location": "http://elsewhere.invalid/"}),
        "/robots": Answer(302, headers={"Location": "/no/page"}),
        "/known": Answer(302, headers={"Location": "/"}),
        "/mail": Answer(302, headers={"Location": "mailto:a@b.c"}),
        "/file": Answer(302, headers={"Location": "file:///etc/passwd"}),
        "/empty": Answer(301),
    }
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /no/\n"))
    web.page("/", links=["/long0", "/loop", "/self", "/out", "/robots", "/known", "/mail", "/file", "/empty"])
    ran = await run_crawl(tmp_path, web.url)
    assert ran.reasons(web.url) == {
        "/long0": "more than 5 redirects",
        "/loop": f"redirect loop: leads back to {web.url}/loop",
        "/self": f"redirect loop: leads back to {web.url}/self",
        "/out": "redirect outside",
        "/robots": "robots",
        "/known": "redirect to a known page",
        "/mail": "redirects to 'mailto:a@b.c', which is no page",
        "/file": "redirects to 'file:///etc/passwd', which is no page",
        "/empty": "redirects to '', which is no page",
    }
    assert {worker.status for worker in ran.workers} == {"completed"}
    assert web.hits["/"] == 1
    assert "/no/page" not in web.hits

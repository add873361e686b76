"""The order of a crawl, its budget, and its memory of what it knows."""

import subprocess
import sys
from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.model import FrontierPage, PageState


def _urls(taken: list[Target]) -> list[str]:
    return [target.url for target in taken]


def test_one_server_is_admitted_as_it_is_found() -> None:
    """People would not see what is pending, or the order be another than breadth first."""
    frontier = Frontier(max_pages=10, per_server=2)
    for url, depth in (("http://a/deep", 2), ("http://a/1", 1), ("http://a/2", 1), ("http://a/0", 0)):
        frontier.add(url, depth)
    assert _urls(frontier.take()) == ["http://a/0", "http://a/1", "http://a/2", "http://a/deep"]


def test_several_servers_take_turns_within_bounds() -> None:
    """One slow site would hold all workers, and the others would wait."""
    frontier = Frontier(max_pages=100, per_server=2)
    for n in range(5):
        frontier.add(f"http://a/{n}", 1)
        frontier.add(f"http://b/{n}", 1)
    taken = frontier.take()
    assert _urls(taken) == ["http://a/0", "http://b/0", "http://a/1", "http://b/1"]
    assert frontier.take() == []
    frontier.done(taken[1])
    assert _urls(frontier.take()) == ["http://b/2"]


def test_the_budget_is_exact_and_can_be_given_back() -> None:
    """More pages would be asked for than allowed; or fewer, for those that were never asked for."""
    frontier = Frontier(max_pages=2, per_server=9)
    for n in range(4):
        frontier.add(f"http://a/{n}", 1)
    assert len(frontier.take()) == 2
    assert frontier.take() == []
    frontier.refund()
    assert frontier.pages == 1
    assert _urls(frontier.take()) == ["http://a/2"]
    assert frontier.pages == 2


def test_a_url_is_known_once() -> None:
    """A page would be fetched twice."""
    frontier = Frontier(max_pages=9, per_server=9)
    frontier.add("http://a/", 1)
    assert frontier.knows("http://a/", 1)
    assert frontier.knows("http://a/", 5)
    assert not frontier.knows("http://a/", 0)
    frontier.refuse("http://a/no")
    assert frontier.knows("http://a/no", 0)
    frontier.add("http://a/", 0)  # nearer, while it waits
    assert frontier.take() == [Target("http://a/", 0, False)]
    assert frontier.take() == []


def test_redirect_targets_are_claimed_once() -> None:
    """Two redirects to one page would fetch it twice, or a page that waits would be fetched after its claim."""
    frontier = Frontier(max_pages=9, per_server=1)
    frontier.add("http://b/", 0)
    frontier.add("http://a/1", 0)
    frontier.add("http://a/waits", 0)
    first = next(target for target in frontier.take() if target.url == "http://a/1")
    assert frontier.claim("http://a/waits", first)
    assert not frontier.claim("http://a/waits", first)
    assert not frontier.claim("http://a/1", first)
    frontier.done(first)
    assert frontier.take() == []


def test_a_page_left_alone_can_be_claimed_by_its_heir() -> None:
    """Two addresses that point at each other would both be left alone."""
    frontier = Frontier(max_pages=9, per_server=9)
    frontier.add("http://a/new", 0)
    frontier.add("http://a/old", 0)
    new, old = frontier.take()
    frontier.defer(new.url, old.url)
    assert frontier.claim(new.url, old)


def test_will_fetch_is_a_promise() -> None:
    """A page would be left alone for another that the budget never reaches."""
    frontier = Frontier(max_pages=1, per_server=9)
    frontier.add("http://a/1", 0)
    assert frontier.will_fetch("http://a/1")
    frontier.take()
    frontier.add("http://a/2", 0)
    assert frontier.will_fetch("http://a/1")
    assert not frontier.will_fetch("http://a/2")
    assert not frontier.will_fetch("http://a/3")


def _true_depths(links: dict[int, list[int]], limit: int) -> dict[int, int]:
    depths, waiting = {0: 0}, deque([0])
    while waiting:
        page = waiting.popleft()
        for link in links.get(page, ()):
            if link not in depths and depths[page] < limit:
                depths[link] = depths[page] + 1
                waiting.append(link)
    return depths


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(
    links=st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4)),
    limit=st.integers(0, 5),
    choices=st.lists(st.integers(0, 100), min_size=13, max_size=13),  # one for each page
)
def test_depths_are_right_whatever_ends_first(links: dict[int, list[int]], limit: int, choices: list[int]) -> None:
    """Which pages belong to a crawl would depend on which of them are slow."""
    frontier = Frontier(max_pages=1000, per_server=1000)
    frontier.add("http://a/0", 0, start=True)
    under_way, choose = frontier.take(), iter(choices)

    def offer(url: str, depth: int) -> None:
        if depth <= limit and not frontier.knows(url, depth):
            for link in list(frontier.add(url, depth)):
                offer(link, depth + 1)

    fetched = []
    while under_way:
        target = under_way.pop(next(choose) % len(under_way))
        fetched.append(target.url)
        found = [f"http://a/{link}" for link in links.get(int(target.url.rpartition("/")[2]), ())]
        frontier.read(target, target.url, found)
        for url in found:
            offer(url, frontier.depth(target.url) + 1)
        frontier.done(target)
        under_way += frontier.take()
    expected = _true_depths(links, limit)
    assert sorted(fetched) == sorted(f"http://a/{page}" for page in expected)
    assert {url: frontier.depth(url) for url in fetched} == {f"http://a/{page}": d for page, d in expected.items()}


_MEMORY = """
from quaero_cli.crawl.frontier import Frontier
import quaero_cli.crawl.crawl
def resident(): return int(open("/proc/self/statm").read().split()[1]) * 4096
frontier, before = Frontier(max_pages=10**6, per_server=16), resident()
for n in range(300_000):
    url = f"https://news.example/{n % 50}/2026/a-rather-long-headline-that-stands-in-the-address-{n:07d}"
    frontier.add(url, 1 + n % 5)
    if n % 500 == 0:
        frontier.fresh()
print((resident() - before) / 300_000, resident() / 1e6)
"""


def test_a_known_url_costs_little_memory() -> None:
    """A crawl of a large site would grow to gigabytes: a million known URLs have 200 MB, the program among them."""
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)
    each, whole = map(float, done.stdout.split())
    assert each < 140  # bytes; of those that wait only the next ones are in memory
    assert whole < 200


def test_what_waits_comes_back_from_the_store() -> None:
    """Pages that did not fit into memory would be lost, come twice, or come in another order."""
    frontier = Frontier(max_pages=100, per_server=16, max_heaped=8)
    stored: dict[str, FrontierPage] = {}

    def keep() -> None:
        for url, depth, found_on in frontier.fresh():
            stored[url] = FrontierPage(len(stored) + 1, url, depth, PageState.WAITING, found_on)

    for n in range(40):
        frontier.add(f"http://a/{n}", 3 - n % 3, found_on=f"http://a/list-{n}")
        keep()
    taken = []
    while True:
        for target in frontier.take():
            taken.append(target)
            stored.pop(target.url)
            frontier.done(target)
        if not frontier.hungry:
            break
        rows = sorted(stored.values(), key=lambda page: (page.depth, page.id))[: frontier.appetite]
        frontier.feed(rows, complete=len(rows) == len(stored))
    assert sorted(target.url for target in taken) == sorted(f"http://a/{n}" for n in range(40))
    assert all(target.found_on == target.url.replace("/a/", "/a/list-") for target in taken)
    assert frontier.waiting == 0


def test_a_restored_frontier() -> None:
    """A resumed crawl would ask again for what it has, forget what waits, or count wrong."""
    frontier = Frontier(max_pages=10, per_server=16)
    rows = [
        FrontierPage(1, "http://a/done", 0, PageState.DONE),
        FrontierPage(2, "http://a/reached", 1, PageState.PASSED),
        FrontierPage(3, "http://a/failed", 1, PageState.FAILED),
        FrontierPage(4, "http://a/waits", 1, PageState.WAITING, "http://a/done"),
        FrontierPage(5, "http://a/failed", 2, PageState.DONE),  # a later part of the chain had it
    ]
    for page in rows:
        frontier.restore(page)
    assert (frontier.pages, frontier.waiting) == (2, 1)
    assert [(target.url, target.found_on) for target in frontier.take()] == [("http://a/waits", "http://a/done")]
    assert frontier.knows("http://a/reached", 1)
    assert frontier.fresh() == []


def test_links_of_a_page_are_sorted_out_as_one_by_one() -> None:
    """A link that comes nearer would be taken for known, or one that was refused be asked for again."""
    frontier = Frontier(max_pages=10, per_server=5)
    for url, depth in (("http://h/near", 1), ("http://h/far", 5), ("http://h/gone", 1)):
        frontier.add(url, depth)
    frontier.refuse("http://h/gone")
    frontier.refuse("http://h/never")
    urls = [f"http://h/{name}" for name in ("near", "far", "gone", "never", "new")]
    for depth in range(7):
        ours, news = frontier.sort_out(urls, depth)
        assert news == [url for url in urls if not frontier.knows(url, depth)]
        assert ours == [url for url in urls if frontier.knows(url, depth) and frontier.belongs(url)]


def test_long_addresses_are_kept_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand links of two thousand characters would take 200 MB; what is not kept is looked up."""
    monkeypatch.setattr("quaero_cli.crawl.readlinks.MAX_LINKED_CHARS", 10_000)
    asked: list[str] = []
    frontier = Frontier(max_pages=10, per_server=20, links_of=lambda url: asked.append(url) or [f"{url}/link"])
    for n in range(10):
        frontier.add(f"http://a/{n}", 5)
    targets = frontier.take()
    for target in targets:
        frontier.read(target, target.url, [f"{target.url}/{'x' * 2_000}", "http://a/everywhere"])
    nearer = [list(frontier.add(target.url, 2)) for target in targets]
    kept = [links for links in nearer if len(links) == 2]
    assert len(kept) == 5
    assert nearer == kept + [[f"{url}/link"] for url in asked]

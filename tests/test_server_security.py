"""Who is let in: the pure decisions, and the matrix of every route with every kind of credential."""

import re

import pytest
from serving import DEFINITIONS, TOKEN, all_routes, running

from quaero_cli.server.security import CONTENT_SECURITY_POLICY, Policy, allowed_hosts, is_loopback, is_open
from quaero_cli.server.serve import ServeOptions

HOST = b"127.0.0.1:8420"
POLICY = Policy(allowed_hosts(8420, []), TOKEN)


def _decide(*headers, path="/api/jobs", method="GET", policy=POLICY, host=HOST, local=None):
    given = [(b"host", host), (b"authorization", f"Bearer {TOKEN}".encode()), *headers]
    refusal = policy.decide(method, path, given, local)
    return None if refusal is None else refusal.status


# ---------------------------------------------------------------------- Host


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:8420", "LocalHost:8420", "[::1]:8420"])
def test_own_hosts_are_served(host):
    """The viewer would not open under one of its own names."""
    assert _decide(host=host.encode()) is None


FOREIGN_HOSTS = [
    "", "127.0.0.1", "localhost", "127.0.0.1:8421", "127.0.0.1:08420", "127.0.0.1:8420 ", "127.0.0.1:8420.",
    "localhost.:8420", "localhost:8420.evil.example", "evil.example", "evil.example:8420",
    "127.0.0.1.evil.example:8420",
    "user@127.0.0.1:8420", "127.0.0.1:8420@evil.example", "127.0.0.1:8420/", "127.0.0.1:8420#x", "127.1:8420",
    "2130706433:8420", "0x7f.1:8420", "0177.0.0.1:8420", "0.0.0.0:8420", "0:8420", "[::]:8420",
    "[::ffff:127.0.0.1]:8420", "::1:8420", "[::1%lo]:8420", "[0:0:0:0:0:0:0:1]:8420", "127.0.0.1:8420,evil.example",
    "127.0.0.1:8420\x00", "\xff\xfe", "\u2460\u2461\u2466.0.0.1:8420", "localhost:8420\t", "http://127.0.0.1:8420",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_hosts_are_refused(host):
    """A page whose name was re-bound to this machine could read everything."""
    assert _decide(host=host.encode("utf-8" if "\u2460" in host else "latin-1")) == 421


def test_host_must_be_given_once():
    """Two readers of one request could see two servers in it."""
    assert _decide((b"host", HOST)) == 421
    assert POLICY.decide("GET", "/", []).status == 421


def test_standard_port_may_be_left_out():
    """On port 80 browsers send no port, and the viewer would not open."""
    policy = Policy(allowed_hosts(80, ["Log.Example"]), TOKEN)
    for host in (b"localhost", b"localhost:80", b"log.example", b"log.example:80"):
        assert _decide(policy=policy, host=host) is None
    assert _decide(policy=policy, host=b"other.example") == 421


def test_any_address_answers_to_the_address_that_was_dialled():
    """On 0.0.0.0 the viewer would open under loopback's names only; or a re-bound name would be let in."""
    policy = Policy(allowed_hosts(8420, []), TOKEN, any_address=True)
    assert _decide(policy=policy, host=b"192.0.2.7:8420", local="192.0.2.7") is None
    assert _decide(policy=policy, host=b"[2001:db8::1]:8420", local="2001:db8::1") is None
    assert _decide(policy=policy, host=b"192.0.2.8:8420", local="192.0.2.7") == 421
    assert _decide(policy=policy, host=b"192.0.2.7:8421", local="192.0.2.7") == 421
    assert _decide(policy=policy, host=b"evil.example:8420", local="192.0.2.7") == 421
    assert _decide(policy=policy, host=b"192.0.2.7:8420", local=None) == 421
    assert _decide(host=b"192.0.2.7:8420", local="192.0.2.7") == 421


def test_only_loopback_is_loopback():
    """`--no-auth` would open the server to a network."""
    assert all(is_loopback(address) for address in ("127.0.0.1", "127.8.9.1", "::1"))
    assert not any(
        is_loopback(address) for address in ("0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "", "localhost", "fe80::1")
    )


# ---------------------------------------------------------------------- Origin, Sec-Fetch-Site

SAME = b"http://127.0.0.1:8420"
GOOD_SITES = [
    [],
    [(b"sec-fetch-site", b"same-origin")],
    [(b"sec-fetch-site", b"none")],
    [(b"origin", SAME)],
    [(b"origin", b"https://127.0.0.1:8420")],
    [(b"origin", SAME), (b"sec-fetch-site", b"same-origin")],
]
BAD_SITES = [
    *[
        [(b"sec-fetch-site", site)]
        for site in (b"cross-site", b"same-site", b"", b"None", b"same-origin, none", b"x")
    ],
    *[
        [(b"origin", origin)]
        for origin in (
            b"null", b"", b"http://evil.example", b"http://127.0.0.1:8420.evil.example", b"http://127.0.0.1:84200",
            b"http://127.0.0.1:842", b"http://127.0.0.1", b"http://127.0.0.1:8420/", b"http://127.0.0.1:8420@evil.example",
            b"http://localhost:8420", b"ftp://127.0.0.1:8420", b"127.0.0.1:8420", b"http://127.0.0.1:8420 http://evil",
            b"file://", b"http://[::1]:8420", b"\xff",
        )
    ],
    [(b"origin", SAME), (b"sec-fetch-site", b"cross-site")],
    [(b"origin", b"http://evil.example"), (b"sec-fetch-site", b"same-origin")],
    [(b"origin", SAME), (b"origin", b"http://evil.example")],
    [(b"sec-fetch-site", b"none"), (b"sec-fetch-site", b"cross-site")],
]  # fmt: skip
PATHS = ["/", "/api/health", "/static/js/page.js", "/api/logs/stream", "/api/jobs/j1/cancel"]


@pytest.mark.parametrize("path", PATHS)
def test_other_sites_are_refused_everywhere(path):
    """Any page in the browser could read logs or start jobs; streams are where others forgot to look."""
    for headers in GOOD_SITES:
        assert _decide(*headers, path=path) is None, headers
    for headers in BAD_SITES:
        assert _decide(*headers, path=path) == 403, headers


# ---------------------------------------------------------------------- the token


def _with_token(*values, path="/api/jobs"):
    refusal = POLICY.decide("GET", path, [(b"host", HOST), *[(b"authorization", value) for value in values]])
    return None if refusal is None else refusal.status


def test_token_must_be_right():
    """Anything like a token would open the server."""
    good = TOKEN.encode()
    assert _with_token(b"Bearer " + good) is None
    assert _with_token(b"bearer " + good) is None
    for values in (
        [], [b""], [b"Bearer"], [b"Bearer "], [good], [b"Basic " + good], [b"Bearer " + good[:-1]],
        [b"Bearer x" + good], [b"Bearer " + good + b"x"], [b"Bearer " + good.upper()], [b"Bearer \xff"],
        [b"Bearer " + good] * 2,
        [b"Bearer " + good, b"Bearer x"], [b"Bearer\t" + good], [b"Bearer " + good + b", Bearer x"],
    ):  # fmt: skip
        assert _with_token(*values) == 401, values


def test_closed_by_default():
    """A route that nobody thought of would be open."""
    assert all(is_open(path) for path in ("/", "/api/health", "/static/x", "/favicon.ico", "/favicon.svg"))
    for path in (
        "", "//", "/api", "/api/", "/api/health/", "/api/healthz", "/static", "/Static/x", "/index.html", "/x",
        "/api/logs/stream", "/api/static/", "/./static/x", "/%73tatic/x",
    ):  # fmt: skip
        assert not is_open(path), path
        assert _with_token(path=path) == 401


def test_read_only_refuses_changes():
    """`--read-only` would let somebody start a job."""
    policy = Policy(allowed_hosts(8420, []), None, read_only=True)
    for method in ("POST", "DELETE", "PUT", "PATCH", "OPTIONS", "get", "QUERY"):
        assert _decide(policy=policy, method=method) == 403
    for method in ("GET", "HEAD"):
        assert _decide(policy=policy, method=method) is None


def test_token_is_never_shown():
    """The token would be in a traceback or a debug line."""
    assert TOKEN not in repr(POLICY)
    assert TOKEN not in repr(ServeOptions(token=TOKEN))


# ---------------------------------------------------------------------- every route

OPEN_ROUTES = {"/", "/api/health", "/favicon.ico", "/favicon.svg", "/static/<path:name>"}


def _target(rule):
    values = {
        "<job_id>": "j1",
        "<definition_id>": DEFINITIONS[0],
        "<document_id>": "1",
        "<line>": "1",
        "<step>": "fetch",
        "<path:name>": "css/x.css",
    }
    filled = re.sub(r"<[\w:]+>", lambda found: values.get(found.group(), found.group()), rule)
    assert "<" not in filled, f"say how to fill {rule}"
    return filled + ("?scope=job&job_id=j1" if re.search(r"/logs(/stream)?$", rule) else "")


async def test_every_route_with_every_credential(tmp_path):
    """A route that forgot the check would hand out logs, or start jobs, without the token."""
    routes = all_routes(tmp_path)
    assert {rule for rule, _ in routes} >= {*OPEN_ROUTES, "/api/logs/stream", "/api/jobs/<job_id>/cancel"}
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "a hidden line")
        web.finish("j1")
        for rule, method in [*routes, ("/nowhere", "GET"), ("/api/logs", "OPTIONS"), ("/api/jobs/j1", "DELETE")]:
            for given in ("", "wrong" * 9):
                headers = [header for header in web.headers(token=given or "-") if given or header[0] == "Host"]
                answer = await web.request(method, _target(rule), headers)
                if rule in OPEN_ROUTES:
                    assert answer.status != 401, (rule, method)
                else:
                    assert answer.status == 401, (rule, method)
                    assert answer.headers["www-authenticate"] == "Bearer"
                assert b"hidden line" not in answer.body, rule
            answer = await web.request(method, _target(rule), web.headers())
            assert answer.status != 401, (rule, method)
            assert answer.status < 500 or rule == "/", (rule, method, answer)
            foreign = [*web.headers(), ("Origin", "http://evil.example")]
            assert (await web.request(method, _target(rule), foreign)).status == 403, (rule, method)
            wrong_host = [("Host", "evil.example"), *web.headers()[1:]]
            assert (await web.request(method, _target(rule), wrong_host)).status == 421, (rule, method)
        assert TOKEN not in repr(web.said)


async def test_every_answer_has_the_security_headers(tmp_path):
    """One kind of answer without them is where a page could be framed or sniffed."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        targets = ["/", "/nowhere", "/api/health", "/api/jobs", "/api/logs?x", "/static/nothing.js", "/favicon.ico"]
        answers = [await web.get(target) for target in targets]
        answers.append(await web.request("GET", "/api/jobs", web.headers()[:1]))
        answers.append(await web.request("GET", "/" + "a" * 5000, web.headers()))
        answers.append(await web.request("POST", "/api/jobs/j1/cancel", web.headers()))
        for answer in answers:
            headers = answer.headers
            assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
            assert not [name for name in headers if name.startswith("access-control")]
            assert {"server", "set-cookie"}.isdisjoint(headers)
            assert headers["cache-control"] in ("no-store", "no-cache")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for kind in ("script-src", "style-src", "font-src", "connect-src"):
        assert f"{kind} 'self'" in CONTENT_SECURITY_POLICY
    for part in ("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"):
        assert part in CONTENT_SECURITY_POLICY


async def test_read_only_and_no_auth(tmp_path):
    """`--read-only` would start jobs; `--no-auth` would still ask for the token, or forget the other checks."""
    options = ServeOptions(port=0, token=None, read_only=True)
    async with running(tmp_path, options=options) as web:
        web.add_job("j1")
        assert (await web.get("/api/jobs")).status == 200
        for target in ("/api/jobs/j1/cancel", "/api/job-definitions/hello/execute"):
            assert (await web.post(target)).status == 403
        assert not web.actions.executed
        assert (await web.get("/api/jobs", Origin="http://evil.example")).status == 403
        assert (await web.request("GET", "/api/jobs", [("Host", "evil.example")])).status == 421


async def test_refusals_are_logged_as_counts(tmp_path):
    """Somebody knocking would go unseen; or would fill the log, or get the token into it."""
    async with running(tmp_path) as web:
        for _ in range(30):
            await web.request("GET", "/api/jobs", web.headers(token="guess" * 9))
        await web.get("/api/jobs", Origin="http://evil.example")
    lines = [line for line in web.said if line[1] == "Requests refused"]
    assert [line[2] for line in lines] == [{"token": 30, "cross-site": 1}]
    assert "guess" not in repr(web.said)

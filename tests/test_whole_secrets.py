"""Secrets as people use them: a job that has them in every place, and not one trace of them afterwards."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from shells import PATIENCE, Shell

TOKEN, PASSWORD, PIN = "tok3n/+ÄÖ'\"x-0123456789", "correct horse battery", "99887766"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAAo\n-----END KEY-----"

DEFINITION = r"""
    [params.password]
    secret = true
    required = true

    [params.pin]
    type = "int"
    secret = true
    required = true

    [params.mode]
    secret = true
    default = "standard-secret"

    [secrets]
    TOKEN = "env:CI_TOKEN"
    KEY = "file:keys/private.pem"

    [step.shell]
    type = "shell"
    levels = true
    env = { AGAIN = "{env.TOKEN}", PASSWORD = "{params.password}" }
    command = '''
    test "$TOKEN" = "$AGAIN" || exit 9
    echo "plain $TOKEN and $PASSWORD"; echo "$TOKEN" >&2
    printf %s "$TOKEN" | base64; printf %s "a$TOKEN" | base64; printf %s "ab$TOKEN" | base64 -w 0; echo
    echo "$KEY"; cat keys/private.pem; echo {params.pin}
    head -c 65530 /dev/zero | tr '\0' x; echo "$TOKEN"
    printf 'half %s' "$(printf %s "$PASSWORD" | cut -c 1-9)"; printf '%s\n' "$(printf %s "$PASSWORD" | cut -c 10-)"
    printf '%s\n' '{"level": "warn", "msg": "in json", "token": '"$JSON_TOKEN"', "number": "'{params.pin}'"}'
    echo "token=$TOKEN" >>"$QUAERO_OUTPUT"; echo 'list=["'$PASSWORD'"]' >>"$QUAERO_OUTPUT"
    setsid sleep 1000 "$TOKEN" >/dev/null 2>&1 &
    '''

    [step.python]
    type = "python"
    depends = ["shell"]
    on_error = "continue"
    call = "leaky.py:leak"
    args = { token = "{env.TOKEN}", password = "{steps.shell.outputs.list}" }

    [step.option]
    type = "test_job_generator"
    on_error = "continue"
    worker_count = "{env.KEY}"

    [step.program]
    type = "shell"
    on_error = "continue"
    command = ["{env.TOKEN}"]
"""
LEAKY = """
import base64, logging, urllib.parse

async def leak(ctx, token, password):
    assert password == ["correct horse battery"]
    print("printed", token)
    print("x" * (16 * 1024 - 10) + token, end="")
    print()
    logging.warning("logged %s", token, extra={"url": "http://x/?t=" + urllib.parse.quote(token)})
    logging.getLogger(token).info("a logger of that name")
    ctx.log.info("y" * (64 * 1024 - 7) + token, nested={"a": [token, {token: 99887766}]})
    ctx.report(text="z" * 490 + token)

    async def work(worker):
        raise ValueError("worker " + token)

    async with ctx.open_workers() as pool:
        pool.spawn(work, label="item " + token)
    raise ValueError(base64.b64encode(("user:" + token).encode()).decode() + "\\n" + token + "w" * 20_000)
"""


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "private.pem").write_text(KEY + "\n")
    (tmp_path / "leaky.py").write_text(LEAKY)
    return Shell(tmp_path, {"CI_TOKEN": TOKEN, "JSON_TOKEN": json.dumps(TOKEN)})


def traces(data: bytes) -> list[bytes]:
    """Return which of the secrets, or of what remains when one is cut, are in the data."""
    sought = [
        PASSWORD,
        PIN,
        "standard-secret",
        KEY[25:60],
        TOKEN[:6],
        TOKEN[-10:],
        quote(TOKEN, safe="")[:9],
        "se battery",
    ]
    sought += [base64.b64encode(b"x" * n + TOKEN.encode()).decode()[4:20] for n in range(3)]
    return [text.encode() for text in sought if text.encode() in data]


def test_no_secret_is_stored_or_shown(shell):
    """A token would be in the database, in a terminal, in the browser: for everybody who may see the log."""
    path = shell.define("leak", DEFINITION)
    child = shell.start("run", path, "-p", f"password={PASSWORD}", "-p", f"pin={PIN}", "--level", "debug")
    out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, err[-2000:]
    shown = shell.run("show", "last").stdout
    tail = shell.run("tail", "last", "-n", "all", "--level", "debug", "--json").stdout
    with shell.serving() as server:
        job = server.get("/api/jobs")["jobs"][0]["id"]
        pages = [
            server.get(f"/api/jobs/{job}"),
            server.get(f"/api/logs?scope=job&job_id={job}&level=debug&limit=5000"),
        ]
    for text in (out, err, shown, tail, json.dumps(pages), json.dumps(pages, ensure_ascii=False)):
        assert traces(text.encode()) == []
    for file in shell.home.rglob("*"):
        if file.is_file():
            assert traces(file.read_bytes()) == [], file
    outputs = pages[0]["outputs"]["shell"]
    assert outputs == {"token": "***", "list": ["***"]}
    assert pages[0]["parameters"] == {"password": "***", "pin": "***", "mode": "***"}
    messages = [json.loads(line).get("message", "") for line in tail.splitlines()]
    for expected in ("plain *** and ***", "half ***", "printed ***", "logged ***", "in json", "***"):
        assert expected in messages, expected
    steps = {step["name"]: step for step in pages[0]["steps"]}
    assert steps["shell"]["status"] == "completed"
    assert [steps[name]["status"] for name in ("python", "option", "program")] == ["failed"] * 3
    assert "program '***' not found" in steps["program"]["error"]


def test_a_missing_secret_stops_the_job_before_it_begins(shell):
    """A job would run half, and fail where its token is needed first; or a step would see an empty one."""
    base = "[step.a]\ntype = 'shell'\ncommand = 'touch ran'\n[secrets]\n"
    cases = {
        "A = 'env:NO_SUCH'": "secrets: A: the variable NO_SUCH is not set",
        "A = 'file:none.txt'": "none.txt cannot be read: No such file or directory",
        "A = 'file:keys'": "not a file",
        "A = 'env:EMPTY'": "secrets: A: is empty",
        "A = 'env:SHORT'": "secrets: A: is shorter than 4 characters",
        "A = 'file:big'": "secrets: A: is larger than 16 KiB",
        "A = 'file:binary'": "is not UTF-8",
    }
    shell.extra |= {"EMPTY": "", "SHORT": "abc"}
    (shell.folder / "big").write_text("x" * 17_000)
    (shell.folder / "binary").write_bytes(b"\xff" * 10)
    for number, (line, message) in enumerate(cases.items()):
        path = shell.define(f"missing{number}", base + line)
        error = shell.run("run", path, code=2).stderr
        assert message in error
        assert "abc" not in error
        assert error.startswith(f"error: {path}: secrets: A: ")
    assert not (shell.folder / "ran").exists()
    assert shell.json("jobs") == []


def test_a_dry_run_shows_no_secret(shell):
    """A plan that is pasted into a ticket would carry the password along."""
    path = shell.define("leak", DEFINITION)
    text = shell.run("run", path, "-p", f"password={PASSWORD}", "-p", f"pin={PIN}", "--dry-run").stdout
    assert 'parameter password = "***"' in text
    assert "secret TOKEN = *** (from env:CI_TOKEN)" in text
    plan = json.loads(
        shell.run("run", path, "-p", f"password={PASSWORD}", "-p", f"pin={PIN}", "--dry-run", "--json").stdout
    )
    assert plan["parameters"] == {"password": "***", "pin": "***", "mode": "***"}
    assert plan["secrets"] == {"TOKEN": "***", "KEY": "***"}
    for line in shell.run("defs").stdout.splitlines():
        assert PIN not in line


def test_a_wrong_secret_is_not_shown_in_the_error(shell):
    """The shell's history and the server's answer would show what was mistyped."""
    path = shell.define("strict", """
        [params.token]
        secret = true
        pattern = "tok-.*"
        [step.a]
        type = "shell"
        command = "true"
    """)  # fmt: skip
    for value in ("wrong-secret", "***", "tok"):
        error = shell.run("run", path, "-p", f"token={value}", code=2).stderr
        assert error.startswith("error: strict: parameter token: ")
        assert "wrong-secret" not in error


def test_a_retry_needs_the_secret_again(shell):
    """Stars would be taken for the password."""
    path = shell.define("again", """
        [params.token]
        secret = true
        default = "first-secret"
        [step.a]
        type = "shell"
        command = "test {params.token} = second-secret"
    """)  # fmt: skip
    shell.run("run", path, code=1)
    error = shell.run("retry", "last", code=2).stderr
    assert "parameter token: is secret, and its value was not kept" in error
    shell.run("retry", "last", "-p", "token=second-secret", code=0)


def test_secrets_read_over_http(shell):
    """A job that is started from the browser would run without its secrets, or fail with a traceback."""
    (shell.folder / "jobdefs").mkdir()
    for name, source in (("good", "CI_TOKEN"), ("bad", "NO_SUCH")):
        text = f'[secrets]\nA = "env:{source}"\n[step.a]\ntype = "shell"\ncommand = "echo got $A"\n'
        (Path(shell.folder) / "jobdefs" / f"{name}.toml").write_text(text)
    with shell.serving() as server:
        status, answer = server.request("POST", "/api/job-definitions/bad/execute", {})
        assert (status, "NO_SUCH is not set" in answer["error"]) == (400, True)
        status, answer = server.request("POST", "/api/job-definitions/good/execute", {})
        assert status == 202
        shell.run("tail", answer["job_id"])
        logs = server.get(f"/api/logs?scope=job&job_id={answer['job_id']}")["logs"]
        assert "got ***" in [entry["message"] for entry in logs]

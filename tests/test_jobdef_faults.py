"""Faults of a definition: each is told with its place, its value and the way out, whatever the text is."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobfiles import FULL, TYPES, define

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.load import parse

STEP = "[step.a]\ntype = 'shell'\ncommand = 'x'\n"


SITE = "[step.b]\ntype = 'shell'\ncommand = 'x'\ndepends = 's'\n[step.s]\ntype = 'site'\nservice = true\n"


CRAWL = "[step.a]\ntype = 'crawler'\n"


# text, what the message says behind the file, what the hint says
FAULTS = [
    # the root
    ("", "has no step", "[step.NAME]"),
    ("id = 'x'", "has no step", "[step.NAME]"),
    ("[step]", "has no step", "[step.NAME]"),
    ("step = 1", "step: must be a table, not 1", "[step.NAME]"),
    ("[[step]]\nname = 'a'", "step: must be a table, not a list", "[step.NAME]"),
    ("[step]\na = 1", "step: a: must be a table, not 1", "[step.NAME]"),
    ("[steps.a]\ntype = 'shell'", "unknown key 'steps'", "did you mean 'step'?"),
    (STEP + "[eror_tolerance]", "unknown key 'eror_tolerance'", "did you mean 'error_tolerance'?"),
    ("max_pages = 1\n" + STEP, "unknown key 'max_pages'", "known: id"),
    ("start_urls = 'x'", "step crawl: start_urls: must be a list of strings, not 'x'", None),
    ("start_urls = []\nmax_depht = 1", "unknown key 'max_depht'", None),
    ("id = 5\n" + STEP, "id: must be a string, not 5", "quotes"),
    ("id = 'a b'\n" + STEP, "id: 'a b' cannot be the id", "letters"),
    ("id = ''\n" + STEP, "id: '' cannot be the id", "letters"),
    ("id = 'a.toml'\n" + STEP, "id: 'a.toml' cannot be the id", "letters"),
    ("id = 'last'\n" + STEP, "id: 'last' cannot be the id", "letters"),
    ("tags = 'a'\n" + STEP, "tags: must be a list of strings, not 'a'", None),
    ("tags = ['a', ' ']\n" + STEP, "tags: item 2: is empty", "take it out"),
    ('tags = ["a\\u001b[2J"]\n' + STEP, "tags: item 1: 'a\\x1b[2J' is not one line of text", "control characters"),
    ('name = "a\\nb"\n' + STEP, "name: 'a\\nb' is not one line of text", "line breaks"),
    ('name = "a\\u2028b"\n' + STEP, "name: 'a\\u2028b' is not one line of text", "line breaks"),
    ("tags = [1]\n" + STEP, "tags: item 1: must be a string, not 1", None),
    ("timeout = 30\n" + STEP, "timeout: must be a duration, not 30", '"30s"'),
    ("timeout = '30'\n" + STEP, "timeout: must be a duration, not '30'", "unit"),
    ("timeout = '0s'\n" + STEP, "timeout: must be longer than zero, not '0s'", "leave the key out"),
    ("timeout = '-1s'\n" + STEP, "timeout: must be a duration, not '-1s'", "unit"),
    (f"timeout = '{'9' * 400}d'\n" + STEP, "timeout: must be at most 366 days", None),
    ("enabled = 1\n" + STEP, "enabled: must be true or false, not 1", None),
    (
        "overlap = 'refuze'\n" + STEP,
        "overlap: must be one of 'refuse', 'queue', 'cancel', 'allow'",
        "did you mean 'refuse'?",
    ),
    ("overlap = []\n" + STEP, "overlap: must be one of 'refuse', 'queue', 'cancel', 'allow', not a list", None),
    ("max_parallel_steps = 0\n" + STEP, "max_parallel_steps: must be at least 1, not 0", None),
    ("max_parallel_steps = true\n" + STEP, "max_parallel_steps: must be an integer, not true", None),
    ("max_parallel_steps = 2.0\n" + STEP, "max_parallel_steps: must be an integer, not 2.0", None),
    ("meta = 1\n" + STEP, "meta: must be a table, not 1", None),
    (STEP + "[secrets]\nA = 'hunter2'", "secrets: A: is no source of a secret", 'write "env:VARIABLE" or'),
    (STEP + "[secrets]\nA = 'env:'", "secrets: A: is no source of a secret", None),
    (STEP + "[secrets]\nA = 'env:A-B'", "secrets: A: 'A-B' cannot be the name of a variable", None),
    (STEP + "[secrets]\nA-B = 'env:A'", "secrets: 'A-B' cannot be the name of a variable", None),
    (STEP + "[secrets]\nA = 1", "secrets: A: must be a string, not 1", None),
    (STEP + "[secrets]\nA = 'env:A'\n[env]\nA = 'b'", "secrets: A: stands in [env], too", None),
    # its tables
    (STEP + "[error_tolerance]\nmax_failures = 1", "error_tolerance: unknown key 'max_failures'", "max_child"),
    (STEP + "[error_tolerance]\nmax_child_failures = -1", "max_child_failures: must be at least 0, not -1", None),
    (STEP + "[error_tolerance]\nmax_child_failures = 1.5", "max_child_failures: must be an integer", None),
    (STEP + "[error_tolerance]\nfailure_action = 'stop'", "failure_action: must be one of 'continue'", None),
    ("error_tolerance = 3\n" + STEP, "error_tolerance: must be a table, not 3", None),
    (STEP + "[config]\nwhen = 2020-01-01", "config: when: a date cannot be used here: '2020-01-01'", "quotes"),
    (STEP + "[config]\nx = [nan]", "config: x: must be a finite number, not nan", None),
    (STEP + "[config]\nx = 9223372036854775808", "config: x: must be an integer of 64 bits", None),
    (STEP + "[config]\n'a b' = 1", "config: 'a b' cannot be the name of a constant", "letters"),
    (STEP + "[config]\na = ['{params.x}']", "config: a: a placeholder is not filled here", "option of a step"),
    (STEP + "[config]\na = " + "{a=" * 40 + "1" + "}" * 40, "nested deeper than 32 levels", None),
    (STEP + "[env]\nA = 1", "env: A: must be a string, not 1", "quotes"),
    (STEP + "[env]\n'A=B' = ''", "env: 'A=B' cannot be the name of a variable", None),
    (STEP + "[env]\nA = '{job.id}'", "env: A: a placeholder is not filled here: '{job.id}'", None),
    (STEP + '[env]\nA = "a\\u0000b"', "env: A: holds a NUL character", None),
    # a step
    ("[step.'a.b']\ntype = 'shell'", "'a.b' cannot be the name of a step", "letters"),
    ("[step.a]\ncommand = 'x'", "step a: type is missing", "types: crawler, python, shell, site"),
    ("[step.a]\ntype = 1", "step a: type: must be a string, not 1", None),
    ("[step.a]\ntype = 'shel'", "step a: type: unknown step type 'shel'", "did you mean 'shell'?"),
    ("[step.a]\ntype = 'shell'", "step a: command is missing (type shell needs it)", "what to run"),
    (STEP + "comand = 'x'", "step a: unknown key 'comand'", "did you mean 'command'?"),
    (STEP + "max_pages = 1", "step a: unknown key 'max_pages'", "command"),
    (STEP + "retries = 3", "step a: retries: must be a table, not 3", "write retries = { limit = 3"),
    (STEP + "retries = { delay = '1s' }", "step a: retries: limit is missing", "limit = 3"),
    (STEP + "retries = { limit = -1 }", "step a: retries: limit: must be at least 0, not -1", None),
    (STEP + "retries = { limit = 1001 }", "step a: retries: limit: must be at most 1000, not 1001", None),
    (STEP + "retries = { limit = 1, delay = 2 }", "retries: delay: must be a duration, not 2", "unit"),
    (STEP + "retries = { limit = 1, backoff = 0.5 }", "retries: backoff: must be at least 1, not 0.5", None),
    (
        STEP + "retries = { limit = 1, delay = '5s', max_delay = '1s' }",
        "max_delay: '1s' is shorter than delay",
        "out",
    ),
    (STEP + "retries = { limit = 1, jiter = true }", "retries: unknown key 'jiter'", "did you mean 'jitter'?"),
    (STEP + "for_each = 'a'", "for_each: must be a list, one placeholder, or a table", 'write ["a", "b"]'),
    (STEP + "for_each = 'x{job.id}'", "for_each: must be a list, one placeholder, or a table", 'write ["a", "b"]'),
    (STEP + "for_each = [2020-01-01]", "for_each: a date cannot be used here", "quotes"),
    (STEP + "for_each = ['{params.x}']", "for_each: unknown parameter in {params.x}", "declare it"),
    (STEP + "for_each = '{steps.b.outputs.x}'", "for_each: unknown step in {steps.b.outputs.x}", None),
    (STEP + "for_each = '{item}'", "for_each: {item}: there is no item here", "options of a step with for_each"),
    (STEP + "for_each = {}", "for_each: needs one of glob and file", "*.csv"),
    (STEP + "for_each = { glob = 'a', file = 'b' }", "for_each: needs one of glob and file", "*.csv"),
    (STEP + "for_each = { globb = 'a' }", "for_each: unknown key 'globb'", "did you mean 'glob'?"),
    (STEP + "for_each = { glob = '' }", "for_each: glob: is empty", "*.csv"),
    (STEP + "for_each = { file = 5 }", "for_each: file: must be a string, not 5", "quotes"),
    (STEP + "worker_timeout = '5s'", "worker_timeout: goes with for_each only", "timeout"),
    (STEP + "condition = '{item}'\nfor_each = ['a']", "condition: {item}: there is no item here", "options"),
    (STEP + "for_each = ['a']\nenv = { A = '{item.x}' }", "env: {item.x}: the item 'a' has no 'x'", None),
    (STEP + "for_each = [{x=1}, {}]\nenv = { A = '{item.x}' }", "env: {item.x}: the item '{}' has no 'x'", None),
    ("[step.a]\ntype = 'site'\nservice = true\nfor_each = ['a']", "for_each: does not go with service", "one of"),
    ("[step.a]\ntype = 'crawler'\nfor_each = ['a']", "for_each: type 'crawler' has workers of its own", "out"),
    (STEP + "ready = { port = 80 }", "step a: ready: goes with service = true only", "service = true"),
    (SITE + "ready = 'x'", "step s: ready: must be a table, not 'x'", "write { port = 8080 }"),
    (SITE + "ready = { prot = 80 }", "ready: unknown key 'prot'", "did you mean 'port'?"),
    (SITE + "ready = { port = 80, log = 'x' }", "ready: has both port and log", "take one"),
    (SITE + "ready = { port = 0 }", "ready: port: must be a port, 1 to 65535, not 0", None),
    (SITE + "ready = { port = '80' }", "ready: port: must be a port, 1 to 65535, not '80'", None),
    (SITE + "ready = { port = '{params.x}' }", "ready: unknown parameter in {params.x}", None),
    (SITE + "ready = { url = 'x:80' }", "ready: url: must be an http:// or https:// URL, not 'x:80'", None),
    (SITE + "ready = { log = '' }", "ready: log: is empty", "listening"),
    (SITE + "ready = { log = 5 }", "ready: log: must be a string, not 5", None),
    (SITE + "ready = { call = false }", "ready: call: must be true, not false", None),
    (SITE + "ready = { port = 80, timeout = '0s' }", "ready: timeout: must be longer than zero, not '0s'", None),
    (STEP + "on_error = 'retry'", "step a: on_error: must be one of 'fail', 'continue', 'fatal'", None),
    (STEP + "timeout = 1.5", "step a: timeout: must be a duration, not 1.5", "unit"),
    (STEP + "idle_timeout = '5'", "step a: idle_timeout: must be a duration, not '5'", "unit"),
    (STEP + "concurrency = -1", "step a: concurrency: must be at least 0, not -1", None),
    (STEP + "concurrency = '4'", "step a: concurrency: must be an integer, not '4'", None),
    (STEP + "always_run = 'yes'", "step a: always_run: must be true or false, not 'yes'", None),
    (STEP + "condition = true", "step a: condition: must be a string, not true", "quotes"),
    (STEP + "service = true", "step a: service: type 'shell' cannot be a service", None),
    ("[step.a]\ntype = 'site'\nservice = true", "step a: service: no step depends on it", "add 'a' to depends"),
    (STEP + "depends = 5", "step a: depends: must be a list of step names, not 5", '"a, b"'),
    (STEP + "depends = ['b']", "step a: depends: no step named 'b'", None),
    (STEP + "depends = [1]", "step a: depends: item 1: must be a string, not 1", None),
    (STEP + "[step.load]\ntype = 'shell'\ncommand = ''\ndepends = 'laod'", "no step named 'laod'", None),
    # cycles
    (STEP + "depends = 'a'", "step a: depends: the steps wait for each other: a -> a", "take one"),
    (
        STEP + "depends = 'b'\n[step.b]\ntype = 'shell'\ncommand = 'x'\ndepends = 'a'",
        "the steps wait for each other: ",
        "take one",
    ),
    # its options
    (CRAWL + "max_pages = '9'", "step a: max_pages: must be an integer, not '9'", None),
    (CRAWL + "max_pages = 1.0", "step a: max_pages: must be an integer, not 1.0", None),
    (CRAWL + "max_pages = true", "step a: max_pages: must be an integer, not true", None),
    (CRAWL + "max_pages = 99999999999999999999", "step a: max_pages: must be an integer of 64 bits", None),
    (CRAWL + "rate = false", "step a: rate: must be a number, not false", None),
    (CRAWL + "rate = inf", "step a: rate: must be a finite number, not inf", None),
    (CRAWL + "delay = 3", "step a: delay: must be a duration, not 3", "unit"),
    (CRAWL + "follow_links = 'no'", "step a: follow_links: must be true or false, not 'no'", None),
    (CRAWL + "recrawl = 'alway'", "step a: recrawl: must be one of 'never', 'always', 3", "did you mean 'always'?"),
    (CRAWL + "recrawl = 1979-05-27", "step a: recrawl: must be one of", None),
    (CRAWL + "start_urls = ['a', 2]", "step a: start_urls: item 2: must be a string, not 2", "quotes"),
    (CRAWL + "since = 2020-01-01T00:00:00Z", "step a: since: must be a string, not '2020", "quotes"),
    ("[step.a]\ntype = 'shell'\ncommand = 7", "command: must be a string or a list of strings, not 7", None),
    (STEP + "env = { A = 1 }", "step a: env: A: must be a string, not 1", "quotes"),
    (STEP + "env = 'A=1'", "step a: env: must be a table of strings, not 'A=1'", None),
    (STEP + "working_dir = ''", "step a: working_dir: must be a path, not ''", None),
    ("[step.a]\ntype = 'python'\ncall = 'f'\nargs = { d = 2020-01-01 }", "args: d: a date cannot", "quotes"),
    ("[step.a]\ntype = 'python'\ncall = 'f'\nargs = [1]", "step a: args: must be a table, not a list", None),
    # TOML itself
    ("id = ", "line 1, end of document: not TOML: invalid value", None),
    ("a = 1\nb = [\n c", "line 3, column 2: not TOML: invalid value", None),
    ("a = 1\na = 2\nb = 1", "line 2, column 6: not TOML: cannot overwrite a value", None),
    ("x = " + "9" * 5000, "not TOML: exceeds the limit", None),
    ("x = " + "[" * 50000, "not TOML: nested too deeply", None),
]


@pytest.mark.parametrize(("text", "message", "hint"), FAULTS)
def test_a_fault_names_file_step_key_value_and_way_out(text, message, hint):
    """Whoever wrote the file finds the line at once, without reading our code."""
    with pytest.raises(DefinitionError) as caught:
        define(text)
    assert caught.value.message.startswith("job.toml: ")
    assert message in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")
    assert caught.value.message.isprintable()


def test_a_cycle_is_named_in_the_order_of_waiting():
    """`a -> b` means that a waits for b, as it is written."""
    step = "[step.{}]\ntype = 'shell'\ncommand = 'x'\ndepends = '{}'\n"
    with pytest.raises(DefinitionError) as caught:
        define(step.format("a", "b") + step.format("b", "c") + step.format("c", "a") + step.format("d", "a"))
    chain = caught.value.message.rpartition(": ")[2].split(" -> ")
    assert sorted(chain[1:]) == ["a", "b", "c"]
    assert all((one + two) in "abca" for one, two in pairwise(chain))


def test_a_file_name_that_cannot_be_an_id_asks_for_one():
    """`my job.toml` says what to add."""
    with pytest.raises(DefinitionError, match="'my job' cannot be the id") as caught:
        define(STEP, Path("my job.toml"))
    assert caught.value.hint == 'add a line id = "NAME"'


PIECES = (
    "[step.a] [[step]] [params.x] [config] [env] [meta] type = 'shell' 'int' command condition depends default "
    "choices pattern min max required for_each {params.x} '{steps.a.outputs.b}' '{item}' \"\"\" ''' \\ # . , { } [ ] "
    "1 -1 1.5 nan true 1979-05-27 '1h' 'a' \"b\" id tags timeout error_tolerance max_child_failures service"
)


WORDS = st.sampled_from(PIECES.split())


DOCUMENTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(WORDS, st.just("\n"), st.text(max_size=5)), max_size=40).map(" ".join),
    st.lists(WORDS, max_size=6).map(lambda words: FULL + "\n" + " ".join(words)),
    st.tuples(st.integers(0, len(FULL)), st.integers(0, 30), st.one_of(WORDS, st.text(max_size=3))).map(
        lambda cut: FULL[: cut[0]] + cut[2] + FULL[cut[0] + cut[1] :]
    ),
)


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_no_text_does_more_than_be_refused(text):
    """A broken or hostile file gives one readable error, never a traceback."""
    told = "f.toml: "
    try:
        parse(text, path=Path("f.toml"), step_types=TYPES)
    except DefinitionError as error:
        told = error.message
    assert told.startswith("f.toml: ")
    assert told.isprintable()

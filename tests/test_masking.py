"""masking/: no secret passes, in none of its shapes, however the output comes in pieces."""

import base64
import itertools
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quaero_cli.engine.bounds import bounded
from quaero_cli.engine.lines import LineSplitter
from quaero_cli.engine.masked import masked_emit
from quaero_cli.masking.forms import MIN_LINE, MIN_SECRET, forms
from quaero_cli.masking.mask import MASK, Mask
from quaero_cli.model import Document, DocumentFound, LogLine, LogLines, StepChanged, StepOutput, WorkerChanged

SECRET = "hunter2/+ päss\"w'ord"
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\0xy*"), min_size=8, max_size=40).filter(
    lambda text: len(text.strip()) >= 8
)


@pytest.mark.parametrize(
    "shape",
    [
        lambda s: s,
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
        lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
        lambda s: base64.b64encode(f"ab{s}!".encode()).decode(),
        lambda s: base64.encodebytes((s * 1).encode()).decode(),
        lambda s: quote(s),
        lambda s: quote(s, safe=""),
        lambda s: quote_plus(s),
        lambda s: quote(s, safe="").lower(),
        lambda s: json.dumps({"token": s}),
        lambda s: json.dumps({"token": s}, ensure_ascii=False),
        lambda s: json.dumps({"token": s}).replace("/", "\\/"),
        lambda s: repr({"token": s}),
        lambda s: shlex.quote(s),
    ],
)
def test_every_shape_is_found(shape):
    """A token would stand in the log as soon as a program encodes it."""
    shown = Mask([SECRET]).text(f"before {shape(SECRET)} after")
    assert MASK in shown
    for length in range(6, len(SECRET)):
        assert SECRET[:length] not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after") or len(shape(SECRET)) > 60


@settings(deadline=None)
@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_base64_is_found_at_every_place(secret, before, after):
    """`user:password` in a header would show the password to whoever decodes it."""
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    shown = Mask([secret]).text(encoded)
    assert MASK in shown
    assert len(shown) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8, "the rest is not of it"


def test_a_long_value_in_lines_of_base64():
    """`base64 <key` writes lines of 76 characters: none of them may show (but for a last byte)."""
    secret = "".join(chr(ord("A") + (n * 7) % 58) for n in range(420))
    mask = Mask([secret])
    for length in (76, 64):
        whole = base64.b64encode(secret.encode()).decode()
        lines = [whole[at : at + length] for at in range(0, len(whole), length)]
        assert mask.text("\n".join(lines)).split("\n") == [MASK] * len(lines)


def test_each_line_of_a_key_is_hidden():
    """`cat key.pem` is read line by line; so is the mask."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n{}\n-----END KEY-----"
    mask = Mask([key])
    assert [mask.text(line) for line in key.split("\n")] == [MASK, MASK, MASK, "{}", MASK]
    assert mask.text(f"a {key} b") == f"a {MASK} b"
    assert len("{}") < MIN_LINE


def test_short_values_are_not_looked_for():
    """A secret of one letter would turn every line into stars."""
    assert forms("abc") == frozenset()
    assert len("abc") < MIN_SECRET
    assert Mask(["abc"]).text("abc") == "abc"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_stream_is_masked_the_same_however_it_is_cut(data):
    """A secret across two reads would pass, or a line would be held back for ever."""
    found = data.draw(st.lists(st.text("ab-\n", min_size=4, max_size=8), min_size=1, max_size=3))
    text = "".join(data.draw(st.lists(st.sampled_from([*found, "a", "b", "-", "\n", "x", *(s[:3] for s in found)]))))
    mask = Mask(found)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    for make, convert in ((mask.text_stream, str), (mask.bytes_stream, str.encode)):
        stream = make()
        places = [0, *cuts, len(text)]
        parts = [stream.feed(convert(text[a:b])) for a, b in itertools.pairwise(places)]
        whole = type(parts[0])().join([*parts, stream.finish()])
        assert whole == convert(mask.text(text))


@settings(max_examples=200, deadline=None)
@given(secrets, st.integers(65_500, 65_560), st.integers(800, 70_000), st.booleans())
def test_no_secret_passes_the_split_of_long_lines(secret, place, chunk, newline):
    """A secret across the split at 64 KiB would be stored in two halves, and neither would be recognised."""
    raw = b"x" * place + secret.encode() + (b"\n" if newline else b"") + b"y" * 10
    stream, splitter = Mask([secret]).bytes_stream(), LineSplitter()
    pieces = [p for at in range(0, len(raw), chunk) for p in splitter.feed(stream.feed(raw[at : at + chunk]))]
    pieces += splitter.feed(stream.finish()) + splitter.finish()
    joined = "".join(text + ("" if continued else "\n") for text, continued in pieces)
    assert joined == "x" * place + MASK + ("\n" if newline else "") + "y" * 10 + "\n"


def test_a_line_of_no_secret_is_handed_on_at_once():
    """A live view would show each line only when the next one comes."""
    stream = Mask(["top-secret\nsecond line"]).bytes_stream()
    assert stream.feed(b"hello\n") == b"hello\n"
    assert stream.feed(b"a top-sec") == b"a "
    assert stream.feed(b"ular\n") == b"top-secular\n"


def test_values_are_masked_to_their_depth():
    """A secret in a list of a table of a field would be stored."""
    mask = Mask(["12345678", "hunter2"])
    value = {"a": [1, {"hunter2": ("x hunter2", 12345678)}], "b": None, "c": True, "d": 1.5, "e": 10**200}
    assert mask.value(value) == {
        "a": [1, {MASK: (f"x {MASK}", MASK)}], "b": None, "c": True, "d": 1.5, "e": 10**200
    }  # fmt: skip


def test_every_fact_is_masked():
    """An error, a label, an output or an article would hold what the log hides."""
    facts: list = []
    emit = masked_emit(facts.append, Mask(["hunter2"]))
    emit(LogLine("job", "hunter2", 1, 5, 20, "m hunter2", "step", "hunter2", {"f": "hunter2"}))
    emit(StepChanged("job", "hunter2", "failed", 5, error="e hunter2"))
    emit(StepOutput("job", "step", {"o": ["hunter2"]}))
    emit(WorkerChanged("job", "step", 1, "failed", 5, label="l hunter2", error="hunter2"))
    emit(LogLines("job", "step", 1, 5, 20, ("a", "b hunter2", "c"), "step", "hunter2"))
    assert facts.pop()[5:] == (["a", f"b {MASK}", "c"], "step", MASK)
    document = Document("http://x/?hunter2", "", "hunter2", "text hunter2", "", 200, 5, authors=("hunter2",))
    emit(DocumentFound("job", document))
    told = repr(facts[0][5:]) + repr(facts[1].error) + repr([facts[2].outputs, facts[3], facts[4]])
    assert "hunter2" not in told
    assert told.count(MASK) == 11
    assert (facts[0].step, facts[1].step) == ("hunter2", "hunter2"), "rows are found by their names"


def test_a_secret_of_digits_leaves_times_alone():
    """A PIN would turn up in a time, and the store would be handed stars for a number."""
    facts: list = []
    emit = masked_emit(facts.append, Mask(["1768", "2000"]))
    time = 1_768_473_045_200_000
    emit(StepChanged("job", "step", "failed", time, error="pin 1768"))
    emit(DocumentFound("job", Document("http://x/", "", "", "1768", "", 2000, time)))
    emit(StepOutput("job", "step", {"pin": 1768}))
    emit(LogLine("job", "step", 1, time, 20, "m", "step", "s", {"pin": 1768}))
    assert (facts[0].time_us, facts[0].error) == (time, f"pin {MASK}")
    assert (facts[1].document.fetched_at, facts[1].document.status, facts[1].document.text) == (time, 2000, MASK)
    assert (facts[2].outputs, facts[3].fields, facts[3].time_us) == ({"pin": MASK}, {"pin": MASK}, time)


def test_a_field_is_masked_before_it_is_cut():
    """The beginning of a secret would stand at the end of a field that was cut."""
    secret = "s3cr3t-" * 40
    for place in range(65_000, 65_536, 97):
        kept = bounded({"body": "x" * place + secret + "y" * 70_000}, Mask([secret]))
        assert "s3cr3t" not in kept["body"]


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_page_is_masked_in_its_charset(charset):
    """A page that is kept as it came would hold the token of its address: in UTF-16 its bytes lie apart."""
    mask, page = Mask(["s3cr\u00e9t-t\u00f6ken", "other-secret"]), "<a href='?t={}'>\u00e4 {}</a><p>{}</p>"
    raw = page.format("other-secret", "s3cr\u00e9t-t\u00f6ken", "s3cret").encode(charset)
    found = mask.bytes(raw).decode(charset)
    assert "other-secret" not in found
    if charset != "latin-1":  # there only what ASCII has is the same
        assert found == page.format(MASK, MASK, "s3cret")
    plain = page.format("a", "b", "c").encode(charset)
    assert mask.bytes(plain) == plain

"""Values in shell lines, judged by real shells: whatever a value holds, it is text and never code."""

import shlex
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.placeholders import PLACEHOLDER, Scope, resolve
from quaero_cli.jobdef.shellwords import Frame, frames

NASTY = [
    "plain",
    "",
    "two words",
    "it's",
    'say "hi"',
    "$(echo run) `echo run` $HOME ${HOME}",
    "a;b&c|d>e<f(g)",
    "back\\slash\\",
    "'; echo run; '",
    '"; echo run; "',
    "new\nline",
    "*",
    "~",
    "# no comment",
    "ä €",
]


def run(line, shell="sh"):
    found = subprocess.run([shell, "-c", line], capture_output=True, text=True, timeout=20)
    assert found.returncode == 0, (line, found.stderr)
    return found.stdout


def fill(line, value):
    return resolve(line, Scope("j", params={"v": value}), quote=shlex.quote)


# Lines that print the value between brackets, whatever it is.
LINES = [
    "printf '[%s]' {params.v}",
    "printf '[%s]' \"{params.v}\"",
    "printf '[%s]' '{params.v}'",
    "printf '[%s]' \"$(printf %sx {params.v})\" | sed '$s/x]$/]/'",
    "printf '[%s]' \"$(printf %sx \"{params.v}\")\" | sed '$s/x]$/]/'",
    "v={params.v}; printf '[%s]' \"$v\"",
    'v="{params.v}"\nprintf \'[%s]\' "$v"',
    "( printf '[%s]' {params.v} )",
    "f() { printf '[%s]' \"$1\"; }; f {params.v}",
    "printf '[%s]' \"${none:-}\"{params.v}",
    "case x in x) printf '[%s]' {params.v};; esac",
    "# it's a \"comment\nprintf '[%s]' {params.v}",
    "cat <<EOF >/dev/null\nit's \"text\nEOF\nprintf '[%s]' {params.v}",
    "cat <<-'E F' >/dev/null\nit's\n\tE F\nprintf '[%s]' {params.v}",
    "echo \\' >/dev/null; printf '[%s]' {params.v}",
    'echo "\\"" >/dev/null; printf \'[%s]\' {params.v}',
    "n=$((1 + (2 * 3))); printf '[%s]' {params.v}",
    "n=`echo a`; printf '[%s]' {params.v}",
    "echo a#b $# >/dev/null; printf '[%s]' {params.v}",
]


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_value_is_one_word_wherever_it_stands(shell, value):
    """A title that a crawler found on a page cannot run a command."""
    for line in LINES:
        assert run(fill(line, value), shell) == f"[{value}]", line


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_text_survives(value):
    """No letter of a value is lost or changed on its way through the shell."""
    lines = [fill(line, value) for line in LINES[:3]]
    assert run("\n".join(lines)) == f"[{value}]" * 3


# Where nothing can be quoted: a harmless value is let in as it is, another one is refused.
RAW = [
    ("echo $(( {params.v} * 2 ))", "21", "42\n"),
    ("echo `echo {params.v}`", "a.b", "a.b\n"),
    ("cat <<EOF\n<{params.v}>\nEOF", "a-b", "<a-b>\n"),
    ("cat <<'EOF' <<X\n{params.v}\nEOF\n{params.v}\nX", "a", "a\n"),
    ("echo ${none:-{params.v}}", "a", "a\n"),
    ('echo "${none:-{params.v}}"', "a", "a\n"),
    ("echo a # {params.v}", "b", "a\n"),
    ("echo $(case a in a) echo {params.v};; esac)", "b", "b\n"),
    ("echo \"${x:-'}\" '{params.v}' \"'\"", "b", None),
]


@pytest.mark.parametrize(("line", "value", "output"), RAW)
def test_where_nothing_can_be_quoted_only_the_harmless_is_let_in(line, value, output):
    """Arithmetic with a number works; a here-document cannot be broken out of."""
    if output is not None:
        assert run(fill(line, value)) == output
    for nasty in ("$(id)", "a b", "x[$(id)]", "`", "'", "}", "a\nb", ""):
        if nasty:
            with pytest.raises(DefinitionError, match="cannot be quoted where it stands") as caught:
                fill(line, nasty)
            assert "variable first" in caught.value.hint


def test_a_number_before_a_redirection_is_an_argument():
    """`echo {params.n}>out` prints the number; it does not redirect descriptor 2."""
    assert run(fill("echo {params.v}>&1", 2)) == "2\n"
    assert run(fill("seq {params.v}", 2)) == "1\n2\n"


def test_a_nul_is_refused():
    """No process can be given one: said here, with the value."""
    with pytest.raises(DefinitionError, match="NUL"):
        fill("echo {params.v}", "a\0b")


def test_frames_of_every_kind():
    """The table in the module's theory is what the reader does."""
    p = "{params.v}"
    line = f"{p} \"{p} $({p} '{p}') ${{x}} {p}\" ({p}) `{p}` $(({p})) {p} #{p}\n{p} ${{y:-'}} {p}"
    matches = list(PLACEHOLDER.finditer(line))
    found = frames(line, {match.start(): match.end() for match in matches})
    assert [found[match.start()] for match in matches] == [
        Frame.PLAIN,
        Frame.DOUBLE,
        Frame.SUBSTITUTION,
        Frame.SINGLE,
        Frame.DOUBLE,
        Frame.SUBSTITUTION,
        Frame.BACKTICK,
        Frame.ARITHMETIC,
        Frame.PLAIN,
        Frame.COMMENT,
        Frame.PLAIN,
        Frame.RAW,
    ]


PIECES = [
    "{params.v}",
    "'",
    '"',
    "`",
    "$(",
    ")",
    "${x",
    "}",
    "$((",
    "))",
    "\\",
    "#",
    " ",
    "\n",
    "<<A",
    "A",
    "a",
    "$$",
]
ATTACKS = ["$(echo RAN >&2)", "'; echo RAN >&2 #", '"; echo RAN >&2 #', "\nA\necho RAN >&2\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(ATTACKS))
@example("<<A$\nA\n{params.v}", ATTACKS[3])
@example('$"$$(echo "{params.v}', ATTACKS[0])
@example("cat <<A\n$(echo '\nA\necho {params.v} '", ATTACKS[3])
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_line_lets_a_value_run(line, attack):
    """However strange the author's line, the shell never executes what the value says."""
    if any(line[match.start() - 1 : match.start()] in ("$", "\\") for match in PLACEHOLDER.finditer(line)):
        return  # refused when the file is loaded
    try:
        filled = fill(line, attack)
    except DefinitionError:
        return
    ended = subprocess.run(["sh", "-c", filled], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert "RAN" not in ended.stderr.splitlines()

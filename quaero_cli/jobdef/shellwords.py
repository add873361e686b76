"""Where in a shell line a value is about to stand, and how it is written there as part of one word.

Quoting by itself is not enough: `"hello {params.who}"` puts the value inside double quotes, where the single quotes
of a quoted word are plain characters and a `$(...)` in the value would run. So the line is read the way a shell
reads it, as a stack of frames, and each value is quoted for the innermost one:

====================  ==========================================  =======================
frame                 where                                       written as
====================  ==========================================  =======================
plain, substitution   bare text, also inside `( )` and `$( )`     `'value'`
double                `" "`                                       `"'value'"`
single                `' '`                                       `''value''`
raw                   `$(( ))`, `${ }`, backticks, comments,      as it is, when it is
                      here-documents, and all that follows what   harmless in any place;
                      this reader cannot judge                    else an error
====================  ==========================================  =======================

The quotes in front and behind leave and re-enter the frame. "Cannot judge" is always the safe side: from there on
only harmless values are let in. The way out is the same everywhere: `who={params.who}` on a line of its own, and
"$who" after it. The rules are those of a POSIX shell and bash.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum

from quaero_cli.jobdef.place import Place, shown

Quote = Callable[[str], str]

# Text that means itself wherever it stands in a shell line.
_HARMLESS = re.compile(r"[A-Za-z0-9_@%+:,./-]*")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([A-Za-z0-9_.+-]+))(?=[\s;|&)]|$)")
_EXPANDS = re.compile(r"\$[({\[]|`|\\$")
_CASE = re.compile(r"case\s")
_WORD_START = frozenset(" \t\n;&|()")
_HINT = 'put it into a variable first: name={params.NAME} on a line of its own, then "$name"'


class Frame(Enum):
    """What encloses a position of a shell line."""

    PLAIN = "plain"
    SUBSTITUTION = "("
    DOUBLE = '"'
    SINGLE = "'"
    RAW = "raw"  # a place in which nothing can be quoted
    EXPANSION = "${"
    ARITHMETIC = "$(("
    PARENTHESIS = "( in arithmetic"
    BACKTICK = "`"
    COMMENT = "#"


_QUOTABLE = frozenset({Frame.PLAIN, Frame.SUBSTITUTION, Frame.DOUBLE, Frame.SINGLE})
_COMMANDS = frozenset({Frame.PLAIN, Frame.SUBSTITUTION})


def check_neighbours(line: str, start: int, place: Place) -> None:
    """Raise the place's error when the character before a placeholder would change what the value means."""
    before = line[start - 1 : start]
    if before == "$":
        raise place.error("a placeholder cannot follow a $", hint="write {params.NAME}, without the $")
    if before == "\\":
        raise place.error("a placeholder cannot follow a backslash", hint="take the backslash out")


def quoted(text: str, frame: Frame, following: str, place: Place, quote: Quote) -> str:
    """Return `text` as it is written in `frame`; `following` is what comes after it in the line."""
    if "\0" in text:
        raise place.error(f"a value with a NUL character cannot stand in a command: {shown(text)}")
    if frame in _COMMANDS:
        # A number before < or > would be taken for a file descriptor.
        return f"'{text}'" if text.isdigit() and following[:1] in ("<", ">") else quote(text)
    if frame in _QUOTABLE:
        return f"{frame.value}{quote(text)}{frame.value}"
    if _HARMLESS.fullmatch(text):
        return text
    raise place.error(f"the value {shown(text)} cannot be quoted where it stands in the command", hint=_HINT)


def frames(line: str, spans: Mapping[int, int]) -> dict[int, Frame]:
    """Return the innermost frame of each placeholder of a shell line; `spans` are their starts and ends."""
    return _Reader(line, spans).read()


class _Reader:
    """One pass over a line. `stack` is what is open; `unsure` is set for good once something cannot be judged."""

    def __init__(self, line: str, spans: Mapping[int, int]) -> None:
        self.line = line
        self.spans = spans
        self.found: dict[int, Frame] = {}
        self.stack = [Frame.PLAIN]
        self.heredocs: list[re.Match[str]] = []
        self.unsure = False
        self.at = 0

    def read(self) -> dict[int, Frame]:
        while self.at < len(self.line):
            if self.at in self.spans:
                self.found[self.at] = Frame.RAW if self.unsure else self.stack[-1]
                self.at = self.spans[self.at]
            else:
                self.at += self._step(self.stack[-1], self.line[self.at])
        return self.found

    def _step(self, top: Frame, char: str) -> int:
        """Take what begins here; return its length."""
        if top is Frame.SINGLE:
            return self._close(char == "'")
        if top is Frame.COMMENT:
            if char != "\n":
                return 1
            self.stack.pop()
            return self._newline()
        if char == "\\":
            return 2
        if top is Frame.BACKTICK:
            return self._close(char == "`")
        if char == "\n":
            return self._newline()
        if char in "$`":
            return self._dollar()
        if top is Frame.DOUBLE:
            return self._close(char == '"')
        if top in _COMMANDS:
            return self._command(top, char)
        return self._inside(top, char)

    def _close(self, ends: bool) -> int:
        if ends:
            self.stack.pop()
        return 1

    def _open(self, frame: Frame, length: int) -> int:
        self.stack.append(frame)
        return length

    def _dollar(self) -> int:
        """A backtick, or a dollar: expansions are the same inside and outside double quotes."""
        rest = self.line[self.at : self.at + 3]
        if rest[0] == "`":
            return self._open(Frame.BACKTICK, 1)
        if rest == "$((":
            return self._open(Frame.ARITHMETIC, 3)
        if rest[:2] == "$(":
            return self._open(Frame.SUBSTITUTION, 2)
        if rest[:2] == "${":
            return self._open(Frame.EXPANSION, 2)
        if rest[:2] == "$$":  # the shell's process ID; what follows is not its name
            return 2
        if rest[:2] in ("$'", "$["):  # bash reads these in ways of its own, other shells do not
            self.unsure = True
        return 1

    def _command(self, top: Frame, char: str) -> int:
        starts_word = self.at == 0 or self.line[self.at - 1] in _WORD_START
        if char == "'":
            return self._open(Frame.SINGLE, 1)
        if char == '"':
            return self._open(Frame.DOUBLE, 1)
        if char == "#" and starts_word:
            return self._open(Frame.COMMENT, 1)
        if char == "(":
            double = self.line.startswith("((", self.at)
            return self._open(Frame.ARITHMETIC, 2) if double else self._open(Frame.SUBSTITUTION, 1)
        if char == ")":
            return self._close(top is Frame.SUBSTITUTION)  # else a pattern of `case`
        if char == "<" and self.line.startswith("<<", self.at):
            return self._heredoc()
        if char == "c" and top is Frame.SUBSTITUTION and starts_word and _CASE.match(self.line, self.at):
            self.unsure = True  # its patterns end in a parenthesis that nobody opened
        return 1

    def _inside(self, top: Frame, char: str) -> int:
        """`${ }` and `$(( ))`: nothing is quoted here, only the end matters."""
        if char in "'\"":
            self.unsure = True
        elif top is Frame.EXPANSION:
            return self._close(char == "}")
        elif char == "(":
            return self._open(Frame.PARENTHESIS, 1)
        elif char == ")" and top is Frame.PARENTHESIS:
            return self._close(True)
        elif char == ")":
            self.unsure = self.unsure or not self.line.startswith("))", self.at)
            self.stack.pop()
            return 2
        return 1

    def _heredoc(self) -> int:
        if self.line.startswith("<<<", self.at):
            return 3
        found = _HEREDOC.match(self.line, self.at)
        if not found:
            self.unsure = True
            return 2
        self.heredocs.append(found)
        return len(found[0])

    def _newline(self) -> int:
        """Step over the bodies of here-documents that begin after this line."""
        if not self.heredocs:
            return 1
        if self.stack[-1] not in _COMMANDS:
            self.unsure = True
        position = self.at + 1
        for heredoc in self.heredocs:
            position = self._body(position, heredoc)
        self.found.update((start, Frame.RAW) for start in self.spans if self.at < start < position)
        self.heredocs.clear()
        return position - self.at

    def _body(self, position: int, heredoc: re.Match[str]) -> int:
        """Return where a here-document's body ends. Expansions in it are not followed: shells may read on in one."""
        delimiter = heredoc[2] or heredoc[3] or heredoc[4]
        expands = heredoc[4] is not None and "\\" not in heredoc[0]
        while position < len(self.line):
            end = self.line.find("\n", position)
            end = len(self.line) if end < 0 else end + 1
            text = self.line[position:end].rstrip("\n")
            position = end
            if (text.lstrip("\t") if heredoc[1] else text) == delimiter:
                break
            if expands and _EXPANDS.search(text):
                self.unsure = True
        return position

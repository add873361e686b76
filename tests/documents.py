"""Reads the documentation for tests: its headings, tables, code blocks, links and commands. No Markdown library."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")
# `quaero` where a command begins: at the start, behind a pipe or a list operator, in a substitution.
_CALL = re.compile(r"(?:^|[|;&(]\s*)(?:\.venv/bin/)?quaero(?=\s|$)([^|;&)\n]*)")


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language."""
        return [body for given, body in _FENCE.findall(self.text) if given == language]

    def headings(self) -> list[str]:
        return re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)

    def anchors(self) -> set[str]:
        """What links behind a # may name, as Markdown viewers make it of headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings()}

    def section(self, heading: str) -> str:
        """Everything below a heading, down to the next one."""
        found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found, f"{self.name} has no heading {heading!r}"
        return found[1]

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def shell_lines(self) -> list[str]:
        """The lines of the shell blocks, continued ones joined."""
        return [line for block in self.blocks("sh") for line in block.replace("\\\n", " ").splitlines()]

    def calls(self) -> Iterator[tuple[list[str], bool]]:
        """The words of each `quaero ...`, without `quaero` itself; true: in a shell block, so it must be whole."""
        lines = [(line, True) for line in self.shell_lines()]
        lines += [(" ".join(code.split()), False) for code in _CODE.findall(self.prose)]
        for line, whole in lines:
            for call in _CALL.finditer(line):
                yield shlex.split(call[1].split(" # ")[0]), whole


def documents() -> list[Document]:
    """The documentation and, where there is one, the README."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [Document(path, path.read_text()) for path in paths if path.exists()]


def document(name: str) -> Document:
    """A file of `docs`."""
    path = ROOT / "docs" / name
    return Document(path, path.read_text())


def first_cells(section: str) -> list[list[str]]:
    """What stands as code in the first cell of each row of the section's tables."""
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [cells for row in rows if (cells := _CODE.findall(row.split("|")[1]))]


DOCUMENTS = {each.name: each for each in documents()}
each_document = pytest.mark.parametrize("name", DOCUMENTS)

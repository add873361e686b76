"""The body of an article: which kinds of paragraph follow each other, and what stands in them. Pure.

A story is a list of blocks without any markup; `article_page.py` makes HTML of them. Its length is drawn first;
then blocks are written until it is reached or the desk has no fresh sentence left.
"""

from dataclasses import dataclass

from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.writer import Writer

# A table's last year; later ones would be in the future of the stories.
_LAST_YEAR = 2025


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A sub-heading."""

    text: str


@dataclass(frozen=True, slots=True)
class Quotation:
    """A pulled-out quotation and who said it."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with bullets or numbers."""

    items: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of figures."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """The article's picture, with its caption."""

    caption: str


Block = Paragraph | Heading | Quotation | Listing | Table | Figure


def words(block: Block) -> int:
    """Count a block's words."""
    match block:
        case Listing(items=items):
            return sum(len(item.split()) for item in items)
        case Table(caption=caption, rows=rows):
            return len(caption.split()) + sum(len(row) for row in rows)
        case Figure(caption=text) | Paragraph(text=text) | Heading(text=text) | Quotation(text=text):
            return len(text.split())


class Story:
    """Writes one body; `blocks` is the result."""

    def __init__(self, writer: Writer, draw: Draw, *, shortest: int, longest: int) -> None:
        self.blocks: list[Block] = []
        self._writer = writer
        self._draw = draw
        self._words = 0
        self._opening()
        self._middle(draw.between(shortest, longest))
        self._paragraph(*["outlook"] * draw.between(1, 2))

    def _opening(self) -> None:
        """Lead in, and let everybody who is named later be introduced."""
        writer = self._writer
        opening = writer.sentence("lede")
        self._add(Paragraph(f"{opening} {writer.sentence('detail')}"))
        self._add(Figure(writer.sentence("image")))
        if writer.left("meet"):
            if writer.facts["person"] not in opening:
                self._paragraph("meet", "detail")
            self._paragraph("meet2", "detail")
        else:
            self._paragraph("quote", "detail")

    def _middle(self, target: int) -> None:
        extras = self._draw.shuffled(["list", "table", "blockquote", "", ""])
        since_heading = 0
        while self._words < target:
            mix = self._mix()
            if mix is None:
                return
            if since_heading >= 2 and self._writer.left("subhead"):
                self._add(Heading(self._writer.sentence("subhead")))
                since_heading = 0
                if extras:
                    self._extra(extras.pop())
            self._paragraph(*mix)
            since_heading += 1

    def _mix(self) -> tuple[str, ...] | None:
        """Choose a paragraph's kinds of sentence among those with fresh ones left; None: all used up."""
        mixes = (
            ("detail", "detail", "detail"),
            ("detail", "quote"),
            ("quote", "detail"),
            ("background", "background"),
            ("background", "detail", "quote"),
            ("reaction", "detail"),
            ("reaction", "quote"),
        )
        fresh = [mix for mix in mixes if all(self._writer.left(rule) >= mix.count(rule) for rule in mix)]
        return self._draw.pick(fresh) if fresh else None

    def _paragraph(self, *rules: str) -> None:
        self._add(Paragraph(" ".join(self._writer.sentence(rule) for rule in rules)))

    def _extra(self, kind: str) -> None:
        if kind == "list":
            self._paragraph("list_intro")
            items = tuple(self._writer.phrase("list_item") for _ in range(self._draw.between(3, 5)))
            self._add(Listing(items, self._draw.chance(0.3)))
        elif kind == "table":
            self._add(self._table())
        elif kind == "blockquote":
            self._add(Quotation(self._writer.sentence("claim"), self._writer.facts["person"]))

    def _table(self) -> Table:
        writer, draw = self._writer, self._draw
        writer.facts["measure"] = writer.phrase("measure")
        first = _LAST_YEAR - draw.between(3, 5)
        value = draw.between(40, 900)
        rows = []
        for year in range(first, _LAST_YEAR + 1):
            change = draw.between(-120, 240)
            value = max(5, value + value * change // 1000)
            sign = "+" if change >= 0 else "\u2212"
            rows.append((str(year), writer.numbers.count(value), f"{sign}{writer.numbers.tenths(abs(change))} %"))
        table = Table(writer.sentence("table_caption"), tuple(writer.phrase("table_columns").split("|")), tuple(rows))
        del writer.facts["measure"]
        return table

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        self._words += words(block)

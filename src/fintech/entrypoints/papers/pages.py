"""A4 pages in PDF: written from top to bottom, turned when full, numbered at the end.

The same marks make the same bytes: no clock, no random name. The fonts are embedded (DejaVu: Latin, Greek and Cyrillic).
A character that they cannot show, or that only a shaping engine would put in its place, is shown as a box, never left
out, and a note says so. `reportlab` is imported when the first paper is made.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

REGULAR: Final = "DejaVuSansCondensed"
BOLD: Final = "DejaVuSansCondensed-Bold"
#: Stands for a character that cannot be shown.
BOX: Final = "\u25a1"
BOX_NOTE: Final = f"{BOX} stands for a character that the font of this document does not have."

#: Points, 72 to an inch. A4 (ISO 216) is 210 by 297 mm.
WIDTH: Final = 595.28
HEIGHT: Final = 841.89
MARGIN: Final = 42.0
LEFT: Final = MARGIN
RIGHT: Final = WIDTH - MARGIN
BOTTOM: Final = MARGIN + 24.0
_FOOT: Final = MARGIN - 6.0
_SIZE_MIN: Final = 3.0

_FONTS: Final = Path(__file__).parent / "fonts"
#: Scripts from right to left.
_BACKWARDS: Final = frozenset({"R", "AL"})


@frozen
class Mark:
    """A text on a page, or a rule where the text is empty. ``x`` is its right end where it is ranged right."""

    x: float
    y: float
    text: str
    font: str = REGULAR
    size: float = 9.0
    right: bool = False


@frozen
class PaperColumn:
    """A column of a table: where it ends and begins, in points from the left edge of the page."""

    heading: str
    left: float
    end: float
    right: bool = False


@define
class Paper:
    """One document. ``foot`` is on every page, beside its number."""

    title: str
    foot: str
    _pages: list[list[Mark]] = field(factory=lambda: [[]], init=False)
    _y: float = field(default=HEIGHT - MARGIN, init=False)
    _boxed: bool = field(default=False, init=False)

    def write(self, text: str, *, x: float = LEFT, font: str = REGULAR, size: float = 9.0) -> None:
        """A text at the present height, in smaller letters where it would not fit on the line."""
        shown = self._shown(text)
        self._put(Mark(x, self._y, shown, font, _fitting(shown, font, size, RIGHT - x)))

    def line(self, text: str, *, font: str = REGULAR, size: float = 9.0) -> None:
        """A text, and on to the next line."""
        self.need(size * 1.4)
        self.down(size * 1.4)
        self.write(text, font=font, size=size)

    def facts(self, facts: Sequence[tuple[str, str]], *, indent: float = 90.0) -> None:
        """Names and values, one a line."""
        for name, value in facts:
            self.line(name, font=BOLD)
            self.write(value, x=LEFT + indent)

    def down(self, points: float) -> None:
        """Leave so much out."""
        self._y -= points

    def need(self, points: float) -> bool:
        """Turn the page unless so much is left on it; whether it was turned."""
        if self._y - points >= BOTTOM:
            return False
        self._pages.append([])
        self._y = HEIGHT - MARGIN
        return True

    def head(self, columns: Sequence[PaperColumn], size: float = 7.0) -> None:
        """The head of a table."""
        self.down(size * 1.8)
        self._cells(columns, [column.heading for column in columns], BOLD, size)
        self.down(3)
        self._put(Mark(LEFT, self._y, ""))

    def row(
        self, columns: Sequence[PaperColumn], cells: Sequence[str], *, font: str = REGULAR, size: float = 7.0
    ) -> None:
        """A row of a table, whose head is repeated where the page had to be turned."""
        if self.need(size * 1.6):
            self.head(columns, size)
        self.down(size * 1.6)
        self._cells(columns, cells, font, size)

    def bytes(self) -> bytes:
        """The document."""
        from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - spares commands and functions that print none

        _register_fonts()
        if self._boxed:
            self.down(6)
            self.line(BOX_NOTE, size=7.0)
        target = BytesIO()
        canvas = Canvas(target, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
        canvas.setTitle(self.title)
        canvas.setLineWidth(0.5)
        for number, marks in enumerate(self._pages, start=1):
            foot = Mark(LEFT, _FOOT, self._shown(self.foot), size=7.0)
            place = Mark(RIGHT, _FOOT, f"Page {number} of {len(self._pages)}", size=7.0, right=True)
            for mark in (*marks, foot, place):
                if not mark.text:
                    canvas.line(LEFT, mark.y, RIGHT, mark.y)
                    continue
                canvas.setFont(mark.font, mark.size)
                draw = canvas.drawRightString if mark.right else canvas.drawString
                draw(mark.x, mark.y, mark.text)
            canvas.showPage()
        canvas.save()
        return target.getvalue()

    def _put(self, mark: Mark) -> None:
        self._pages[-1].append(mark)

    def _cells(self, columns: Sequence[PaperColumn], cells: Sequence[str], font: str, size: float) -> None:
        for column, cell in zip(columns, cells, strict=True):
            if cell:
                text = self._shown(cell)
                fitting = _fitting(text, font, size, column.end - column.left)
                x = column.end if column.right else column.left
                self._put(Mark(x, self._y, text, font, fitting, column.right))

    def _shown(self, text: str) -> str:
        shown = showable(text)
        self._boxed |= BOX in shown
        return shown


def showable(text: str) -> str:
    """The text with boxes for what cannot be shown, letters and their accents in one where there is one for both."""
    glyphs = _register_fonts()
    return "".join(
        character
        if ord(character) in glyphs
        and character.isprintable()
        and unicodedata.bidirectional(character) not in _BACKWARDS
        else BOX
        for character in unicodedata.normalize("NFC", text)
    )


def _fitting(text: str, font: str, size: float, width: float) -> float:
    """The size in which a text is no wider than its column: no figure is ever cut off."""
    from reportlab.pdfbase.pdfmetrics import stringWidth  # noqa: PLC0415 - as above

    wide = stringWidth(text, font, size)
    return size if wide <= width else max(size * width / wide, _SIZE_MIN)


@lru_cache(maxsize=1)
def _register_fonts() -> frozenset[int]:
    """Make the fonts known to reportlab; the characters that all of them have."""
    from reportlab.pdfbase.pdfmetrics import registerFont  # noqa: PLC0415 - as above
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415 - as above

    fonts = [TTFont(name, str(_FONTS / f"{name}.ttf")) for name in (REGULAR, BOLD)]
    for each in fonts:
        registerFont(each)
    return frozenset.intersection(*(frozenset(each.face.charToGlyph) for each in fonts))

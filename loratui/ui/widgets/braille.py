"""A drawing surface of two by four dots a cell, in two layers, with an ASCII way out."""

from __future__ import annotations

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_UPPER = 0x01 | 0x08 | 0x02 | 0x10
_BLANK = 0x2800

EMPTY, DOTS, LINE = 0, 1, 2


class Canvas:
    """`width` by `height` cells; (0, 0) is the dot at the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width = max(width, 0)
        self.height = max(height, 0)
        self._dots = bytearray(self.width * self.height)
        self._line = bytearray(self.width * self.height)

    @property
    def columns(self) -> int:
        return self.width * 2

    @property
    def rows(self) -> int:
        return self.height * 4

    def dot(self, x: int, y: int) -> None:
        """One dot of the raw series."""
        self._set(self._dots, x, y)

    def stroke(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """A piece of the line, ends included."""
        steps = max(abs(x1 - x0), abs(y1 - y0))
        if not steps:
            self._set(self._line, x0, y0)
            return
        for at in range(steps + 1):
            x = x0 + round((x1 - x0) * at / steps)
            y = y0 + round((y1 - y0) * at / steps)
            self._set(self._line, x, y)

    def _set(self, layer: bytearray, x: int, y: int) -> None:
        if 0 <= x < self.columns and 0 <= y < self.rows:
            layer[(y >> 2) * self.width + (x >> 1)] |= _BITS[y & 3][x & 1]

    def row(self, y: int, ascii_only: bool = False) -> tuple[str, list[int]]:
        """The characters of a row of cells and the layer that each belongs to."""
        text: list[str] = []
        layers: list[int] = []
        for at in range(y * self.width, (y + 1) * self.width):
            dots, line = self._dots[at], self._line[at]
            bits = dots | line
            layers.append(LINE if line else DOTS if dots else EMPTY)
            if not bits:
                text.append(" ")
            elif not ascii_only:
                text.append(chr(_BLANK + bits))
            elif line:
                text.append("*")
            else:
                upper, lower = bits & _UPPER, bits & ~_UPPER
                text.append(":" if upper and lower else "'" if upper else ".")
        return "".join(text), layers

"""A drawing surface of two by four dots a cell, in three layers, with an ASCII way out."""

from __future__ import annotations

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_UPPER = 0x01 | 0x08 | 0x02 | 0x10
_BLANK = 0x2800
_DASH = 3  # every so many-th cell of a dashed line is left out

EMPTY, DOTS, SECOND, LINE = 0, 1, 2, 3


class Canvas:
    """`width` by `height` cells; (0, 0) is the dot at the top left.

    A cell shows the dots of all layers in the style of the uppermost: raw values lie lowest, then
    the second curve, then the first.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = max(width, 0)
        self.height = max(height, 0)
        self._layers = [bytearray(self.width * self.height) for _ in range(LINE + 1)]

    @property
    def columns(self) -> int:
        return self.width * 2

    @property
    def rows(self) -> int:
        return self.height * 4

    def dot(self, x: int, y: int, layer: int = DOTS) -> None:
        """One dot, as a rule of a raw series."""
        if 0 <= x < self.columns and 0 <= y < self.rows:
            self._layers[layer][(y >> 2) * self.width + (x >> 1)] |= _BITS[y & 3][x & 1]

    def cross(self, x: int, y: int, layer: int = DOTS) -> None:
        """A point that is to be seen by itself."""
        for dx, dy in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            self.dot(x + dx, y + dy, layer)

    def stroke(self, x0: int, y0: int, x1: int, y1: int, layer: int = LINE) -> None:
        """A piece of a line, ends included; that of the second curve is dashed."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for at in range(steps + 1):
            x = x0 + round((x1 - x0) * at / steps)
            y = y0 + round((y1 - y0) * at / steps)
            if layer != SECOND or (x >> 1) % _DASH:
                self.dot(x, y, layer)

    def row(self, y: int, ascii_only: bool = False) -> tuple[str, list[int]]:
        """The characters of a row of cells and the layer that each belongs to."""
        text: list[str] = []
        layers: list[int] = []
        for at in range(y * self.width, (y + 1) * self.width):
            bits = 0
            top = EMPTY
            for layer in (DOTS, SECOND, LINE):
                if self._layers[layer][at]:
                    bits |= self._layers[layer][at]
                    top = layer
            layers.append(top)
            if top == EMPTY:
                text.append(" ")
            elif not ascii_only:
                text.append(chr(_BLANK + bits))
            elif top != DOTS:
                text.append("*" if top == LINE else "o")
            else:
                upper, lower = bits & _UPPER, bits & ~_UPPER
                text.append(":" if upper and lower else "'" if upper else ".")
        return "".join(text), layers

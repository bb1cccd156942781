"""Numbers as people read them."""

from __future__ import annotations

import math

THIN = " "  # ordinary blank: a narrow one shifts columns in many terminals


def whole(value: int) -> str:
    """12345 as ``12 345``."""
    return f"{value:,}".replace(",", THIN)


def duration(seconds: float) -> str:
    """Seconds as ``45 s``, ``18 min``, ``2 h 05 min`` or ``3 d 4 h``."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    minutes = total // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def number(value: float, digits: int = 3) -> str:
    """A loss or a ratio with `digits` significant digits; ``nan`` and ``inf`` as such."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4 or magnitude > 5:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, digits - 1 - magnitude)}f}"


def rate(value: float) -> str:
    """A learning rate as people write it: ``1e-4``, ``5e-5``, ``0.01``, ``1.0``."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return number(value)
    if 0.01 <= abs(value) < 1000:
        return f"{value:g}" if value != int(value) else f"{value:.1f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def gib(value: int) -> str:
    """Bytes as GB with one digit (binary, as NVIDIA's own tools count)."""
    return f"{value / 2**30:.1f}"


def percent(value: float) -> str:
    """A share of 1 as ``71 %``."""
    return f"{value * 100:.0f} %"


def speed(steps_per_second: float) -> str:
    """``1.93 it/s`` or, when slower than one a second, ``4.20 s/it``."""
    if steps_per_second <= 0:
        return "0 it/s"
    if steps_per_second >= 1:
        return f"{steps_per_second:.2f} it/s"
    return f"{1 / steps_per_second:.2f} s/it"

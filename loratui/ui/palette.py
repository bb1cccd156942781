"""Names of styles and what the theme makes of them.

Component classes would do the same, but each costs a pass over the style sheet for each widget
when the app starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.color import Color, ColorParseError

if TYPE_CHECKING:
    from textual.app import App

STYLES: dict[str, tuple[str, str]] = {
    "muted": ("text-muted", ""),
    "label": ("text-muted", ""),
    "title": ("foreground", "bold"),
    "here": ("foreground", "bold underline"),
    "accent": ("text-accent", ""),
    "brand": ("text-accent", "bold"),
    "good": ("text-success", ""),
    "warning": ("text-warning", ""),
    "error": ("text-error", ""),
    "critical": ("text-error", "bold"),
    "info": ("text-accent", ""),
    "code": ("text-primary", ""),
    "key": ("foreground", "bold"),
    "plain": ("foreground", ""),
    "dots": ("text-disabled", ""),
    "line": ("text-primary", "bold"),
}
"""Style name -> variable of the theme and text attributes."""

_made: dict[str, dict[str, Style]] = {}


def styles(app: App[Any]) -> Mapping[str, Style]:
    """The styles in the colours of the theme in use."""
    if (found := _made.get(app.theme)) is None:
        variables = app.theme_variables
        found = {
            name: _style(variables, variable, attributes)
            for name, (variable, attributes) in STYLES.items()
        }
        _made[app.theme] = found
    return found


def _style(variables: Mapping[str, str], variable: str, attributes: str) -> Style:
    style = Style.parse(attributes) if attributes else Style.null()
    text = variables.get(variable, "")
    try:
        if text.startswith("auto"):  # contrast to the background, in part
            background = Color.parse(variables["background"])
            share = float(text.removeprefix("auto").strip().removesuffix("%") or 100) / 100
            colour = background.blend(background.get_contrast_text(1.0), share)
        else:
            colour = Color.parse(text)
    except (ColorParseError, KeyError, ValueError):
        return style
    return Style(color=colour.rich_color) + style

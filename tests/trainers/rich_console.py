"""What the logging of sd-scripts and of kohya_ss writes: rich's own handler, so many columns wide.

Sources: kohya-ss/sd-scripts library/utils.py, bmaltais/kohya_ss kohya_gui/custom_logging.py
(setup_logging).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable

from rich.console import Console
from rich.logging import RichHandler


def written(
    messages: Iterable[str], width: int = 80, file: str = "config_util.py", *, gui: bool = False
) -> str:
    """The records as they stand in the file that the console is redirected to."""
    out = io.StringIO()
    console = Console(file=out, width=width)
    handler = RichHandler(console=console)
    if gui:
        handler = RichHandler(
            console=console,
            omit_repeated_times=False,
            show_path=False,
            log_time_format="%H:%M:%S-%f",
        )
    handler.setFormatter(logging.Formatter("%(message)s", None if gui else "%Y-%m-%d %H:%M:%S"))
    for message in messages:
        record = logging.LogRecord(
            "library", logging.INFO, f"/sd-scripts/library/{file}", 580, message, (), None
        )
        record.created = 1_795_241_289.0
        handler.emit(record)
    return out.getvalue()

"""What kind of terminal this is, and how to leave it clean."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from loratui.ui.options import UiOptions

LOCAL, REMOTE, LOW = 4.0, 2.0, 0.5  # repaints a second


class Terminal(NamedTuple):
    """The answers that drawing depends on."""

    remote: bool = False
    low_bandwidth: bool = False
    ascii: bool = False
    colour: bool = True

    @classmethod
    def of(cls, options: UiOptions, environ: Mapping[str, str] | None = None) -> Terminal:
        """What the options say and, where they are silent, the environment."""
        env = os.environ if environ is None else environ
        return cls(
            remote=is_remote(env) if options.remote is None else options.remote,
            low_bandwidth=options.low_bandwidth,
            ascii=is_ascii(env) if options.plain is None else options.plain,
            colour="NO_COLOR" not in env if options.colour is None else options.colour,
        )

    @property
    def rate(self) -> float:
        """How often a second changes may be painted."""
        if self.low_bandwidth:
            return LOW
        return REMOTE if self.remote else LOCAL


def is_remote(env: Mapping[str, str]) -> bool:
    """Whether the terminal is at the other end of SSH, as far as the environment knows."""
    return bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY"))


def is_ascii(env: Mapping[str, str]) -> bool:
    """Whether the terminal cannot be expected to show anything beyond ASCII.

    Python itself sets ``LC_CTYPE=C.UTF-8`` where the locale is C, so that value alone proves
    nothing. No locale at all is what `docker exec` gives: the terminal behind it is then trusted,
    but tmux, which decides by the same variables, is not.
    """
    if env.get("TERM", "") in ("linux", "dumb", "vt100", "vt220"):
        return True
    coerced = env.get("LC_CTYPE") == "C.UTF-8"
    names = ("LC_ALL", "LANG") if coerced else ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((env[name] for name in names if env.get(name)), "")
    if not locale:
        if sys.platform == "win32":
            return False
        return "TMUX" in env and not coerced
    return "utf8" not in locale.lower().replace("-", "")


def on_hangup(leave: Callable[[int], None]) -> None:
    """Call `leave` with an exit code when the terminal goes away or the process is asked to end.

    The event loop runs it, so that the terminal is put back in order by the ordinary way out.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, leave, 128 + number)
        except (NotImplementedError, RuntimeError, ValueError):
            return

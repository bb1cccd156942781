"""A program in a real pseudo-terminal, with an emulator that shows what a person would see."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import psutil
import pyte

# sequences that the emulator does not know: keyboard protocol, synchronised output, in-band size
_UNKNOWN = re.compile(r"\x1b\[[<>=?][0-9;]*[a-zA-Z$]*[puhl]|\x1bP.*?\x1b\\")


# what would tell the program about the terminal that the tests themselves run in
_LEFT_OUT = ("TMUX", "SSH_CONNECTION", "SSH_TTY", "NO_COLOR", "TEXTUAL", "LINES", "COLUMNS")


class Terminal:
    """Spawns `command`; `screen()` is the text shown, `written` counts its bytes so far."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.written = 0
        self.raw = b""
        self.exit_code: int | None = None
        self.began = time.perf_counter()
        environment = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        environment.update(TERM="xterm-256color", COLORTERM="truecolor")
        environment.update(env or {})
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], list(command), environment)
            finally:
                os._exit(127)
        self.resize(columns, rows)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def pump(self, wait: float = 0.01) -> bool:
        """Take what the program has written; False once it has ended."""
        ready, _, _ = select.select([self._fd], [], [], wait)
        if not ready:
            return self.exit_code is None
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._reap()
            return False
        self.written += len(data)
        self.raw = (self.raw + data)[-200_000:]
        self._stream.feed(_UNKNOWN.sub("", self._decoder.decode(data)))
        return True

    def screen(self) -> str:
        """All rows of the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, pattern: str, timeout: float = 30.0) -> float:
        """Seconds until the screen shows `pattern`; an AssertionError if it never does."""
        begin = time.perf_counter()
        while time.perf_counter() - begin < timeout:
            if re.search(pattern, self.screen()):
                return time.perf_counter() - begin
            if not self.pump(0.005):
                break
        if re.search(pattern, self.screen()):
            return time.perf_counter() - begin
        raise AssertionError(f"never showed {pattern!r}:\n{self.screen()}")

    def run_for(self, seconds: float) -> None:
        """Let the program run and take its output."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if not self.pump(min(0.02, max(0.0, end - time.perf_counter()))):
                return

    def send(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float = 15.0) -> int:
        """Exit code once the program has ended by itself."""
        end = time.perf_counter() + timeout
        while self.exit_code is None and time.perf_counter() < end:
            if not self.pump(0.02):
                self._reap()
        assert self.exit_code is not None, f"still running:\n{self.screen()}"
        return self.exit_code

    def cpu(self) -> float:
        """CPU seconds of the program and its children so far."""
        total = 0.0
        try:
            process = psutil.Process(self.pid)
            for each in (process, *process.children(recursive=True)):
                times = each.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            pass
        return total

    def _reap(self) -> None:
        if self.exit_code is None:
            try:
                _, status = os.waitpid(self.pid, 0)
            except ChildProcessError:
                return
            self.exit_code = os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._reap()
        os.close(self._fd)

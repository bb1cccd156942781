"""A question that may never be answered, asked in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

PATIENCE = 0.05
"""Seconds that the asker waits; an answer that comes later is taken the next time."""


class Aside(Generic[Answer]):
    """Asks `question`, one at a time, and never waits long: a folder on a mount that does not
    answer must not hold up the log beside it. What the question raises, `ask` raises."""

    def __init__(self, question: Callable[[], Answer], patience: float = PATIENCE) -> None:
        self._question = question
        self._patience = patience
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._given: queue.SimpleQueue[tuple[Answer | None, Exception | None]]
        self._given = queue.SimpleQueue()
        self._started = False
        self.busy = False
        """Whether a question is being asked to which there is no answer yet."""

    def ask(self) -> Answer | None:
        """The answer to this question, or to the one asked before; None while there is none."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name="aside", daemon=True).start()
        if not self.busy:
            self.busy = True
            self._wanted.put(True)
        try:
            answer, error = self._given.get(timeout=self._patience)
        except queue.Empty:
            return None
        self.busy = False
        if error is not None:
            raise error
        return answer

    def close(self) -> None:
        """No more questions come; a thread that hangs is left to itself."""
        self._wanted.put(False)

    def _work(self) -> None:
        while self._wanted.get():
            try:
                self._given.put((self._question(), None))
            except Exception as error:
                self._given.put((None, error))

"""Questions to a system that may never answer: in a daemon thread, all with one deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
Question = tuple[str, Hashable]

_MOST_STUCK = 8  # threads that may hang; beyond, nothing is asked until one comes back
_LATE = 30.0  # seconds for which an answer that came late is still worth taking


class Patience:
    """Remembers across calls which questions hang, so that none is asked a second time.

    An answer that comes late is given to the next who asks.
    """

    def __init__(self) -> None:
        self._stuck: dict[Question, tuple[threading.Thread, _Batch[Any, Any]]] = {}

    def asker(self, seconds: float) -> Asker:
        """Time for a number of questions, all together at most `seconds`."""
        late: dict[Question, Any] = {}
        for key, (thread, batch) in list(self._stuck.items()):
            if not thread.is_alive():
                del self._stuck[key]
                if batch.late and _now() - batch.late[0][0] < _LATE:
                    late[key] = batch.late[0][1]
        return Asker(self._stuck, late, seconds)


class Asker:
    """Asks until the time is up; a question that takes a third of it is left to itself.

    `unanswered` holds what was not answered so far, as (topic, key).
    """

    def __init__(
        self,
        stuck: dict[Question, tuple[threading.Thread, _Batch[Any, Any]]],
        late: dict[Question, Any],
        seconds: float,
    ) -> None:
        self._stuck = stuck
        self._late = late
        self._until = time.monotonic() + seconds
        self._each = seconds / 3
        self.unanswered: list[Question] = []

    def all(
        self, topic: str, keys: Iterable[Key], question: Callable[[Key], Answer]
    ) -> dict[Key, Answer]:
        """The answers by key, in order. A question that raises has no answer either."""
        asked = list(keys)
        late = {key: self._late.pop((topic, key)) for key in asked if (topic, key) in self._late}
        answers: dict[Key, Answer] = dict(late)
        waiting = [key for key in asked if key not in late and (topic, key) not in self._stuck]
        while waiting and len(self._stuck) < _MOST_STUCK and self._left() > 0:
            batch = _Batch(waiting, question)
            thread = threading.Thread(target=batch.run, name=f"discovery {topic}", daemon=True)
            thread.start()
            self._wait(batch)
            at = batch.give_up()
            answers.update(batch.answers)
            if at is None:
                break
            self._stuck[(topic, waiting[at])] = (thread, batch)
            waiting = waiting[at + 1 :]
        self.unanswered += [(topic, key) for key in asked if key not in answers]
        return answers

    def _left(self) -> float:
        return self._until - time.monotonic()

    def _wait(self, batch: _Batch[Key, Answer]) -> None:
        """Until all is answered, one question takes too long, or the time is up."""
        while not batch.done.wait(max(0.0, min(self._left(), batch.since + self._each - _now()))):
            if self._left() <= 0 or _now() >= batch.since + self._each:
                return


class _Batch(Generic[Key, Answer]):
    """Questions that one thread asks one after the other."""

    def __init__(self, keys: Sequence[Key], question: Callable[[Key], Answer]) -> None:
        self.answers: dict[Key, Answer] = {}
        self.late: list[tuple[float, Answer]] = []
        self.done = threading.Event()
        self.since = _now()
        self._keys = keys
        self._question = question
        self._lock = threading.Lock()
        self._at = 0
        self._given_up = False

    def run(self) -> None:
        for at, key in enumerate(self._keys):
            with self._lock:
                if self._given_up:
                    return
                self._at, self.since = at, _now()
            try:
                answer = self._question(key)
            except Exception:  # hostile data; what has no answer is named by who asked
                continue
            with self._lock:
                if self._given_up:
                    self.late.append((_now(), answer))
                    return
                self.answers[key] = answer
        self.done.set()

    def give_up(self) -> int | None:
        """Take no more answers; which question is being asked, None when all were."""
        with self._lock:
            self._given_up = True
            return None if self.done.is_set() else self._at


def _now() -> float:
    return time.monotonic()

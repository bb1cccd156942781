"""What a run names on its command line and in its configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """What a run names, as paths that can be opened from here; empty where it does not say."""

    name: str = ""
    configs: tuple[str, ...] = ()
    output: str = ""
    logging: str = ""
    datasets: tuple[str, ...] = ()
    samples: str = ""
    checkpoints: str = ""
    events: str = ""
    log: str = ""

"""What stood in the log, on the GPU and in the configuration when a finding fired: one file each.

They lie in the state folder under the run's key, so that they are still there when the log is not.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loratui.core.findings import Finding, Severity
from loratui.core.snapshot import SessionSnapshot

SCHEMA = "loratui.evidence/1"

POINTS, LINES = 400, 80
"""Newest points of each series and newest lines of the log that are kept."""

RUNS, FINDINGS = 200, 40
"""Runs of which evidence is kept, and findings of one run."""


class EvidenceFolder:
    """Writes one file for each finding that fires, once. `problem` is a sentence, or empty.

    `root` is the folder of all runs; `kept` names the file of each finding of the present run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problem = ""
        self.kept: dict[str, str] = {}
        self._run = ""

    def keep(self, snapshot: SessionSnapshot, now: float) -> None:
        """Take note of the findings that have fired since the last call."""
        if not snapshot.run_key or self.problem:
            return
        if snapshot.run_key != self._run:
            self._run, self.kept = snapshot.run_key, {}
        for finding in snapshot.findings:
            new = finding.state == "firing" and finding.id not in self.kept
            if new and finding.severity >= Severity.WARNING and len(self.kept) < FINDINGS:
                self._write(finding, snapshot, now)

    def _write(self, finding: Finding, snapshot: SessionSnapshot, now: float) -> None:
        folder = self.root / _safe(snapshot.run_key)
        path = folder / f"{finding.id}.json"
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True, mode=0o700)
                self._forget_old()
            if not path.exists():  # seen before: what stood there then is what counts
                half = path.with_suffix(f".{os.getpid()}.part")
                text = json.dumps(evidence(finding, snapshot, now), indent=1, ensure_ascii=False)
                half.write_text(text, "utf-8", "replace")
                half.replace(path)
        except OSError as error:
            self.problem = f"{path}: {error.strerror or error}; evidence of findings is not kept."
            return
        self.kept[finding.id] = str(path)

    def _forget_old(self) -> None:
        """The runs that were watched longest ago make room."""
        folders = sorted(
            (entry for entry in self.root.iterdir() if entry.is_dir()),
            key=lambda entry: entry.stat().st_mtime,
        )
        for folder in folders[:-RUNS]:
            shutil.rmtree(folder, ignore_errors=True)


def evidence(finding: Finding, snapshot: SessionSnapshot, now: float) -> dict[str, Any]:
    """A finding with all that surrounds it, as JSON values."""
    from loratui.engine.report import finding_json, plain

    facts, status = snapshot.facts, snapshot.status
    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "time": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            "run": {
                "path": snapshot.path,
                "key": snapshot.run_key,
                "name": facts.name,
                "trainer": facts.trainer,
                "family": facts.family,
                "state": status.state,
                "step": status.step,
                "total_steps": status.total,
                "epoch": status.epoch,
            },
            "finding": finding_json(finding),
            "series": {
                name: {
                    "steps": view.tail_steps[-POINTS:],
                    "values": view.tail_values[-POINTS:],
                }
                for name, view in snapshot.series.items()
            },
            "log": [line.text for line in snapshot.log[-LINES:]],
            "settings": {
                name: {
                    "key": value.key,
                    "value": value.value,
                    "file": value.file,
                    "line": value.line,
                }
                for name, value in facts.config.values.items()
            },
            "checkpoints": [file.path for file in snapshot.checkpoints],
            "machine": _fields(snapshot.machine) if snapshot.machine.gpus else None,
            "host": _fields(snapshot.host) if snapshot.host is not None else None,
        }
    )
    return found


def _fields(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _fields(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _fields(inner) for name, inner in value.items()}
    return [_fields(inner) for inner in value] if isinstance(value, tuple) else value


def _safe(key: str) -> str:
    """A run's key as the name of a folder; one that is a path is shortened to its digest."""
    if re.fullmatch(r"[0-9a-f]{1,64}", key):
        return key
    import hashlib

    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()

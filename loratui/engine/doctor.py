"""The state of everything that loratui leans on, for `loratui doctor`.

Nothing here may hang or raise: what can is asked in a daemon thread and given up after a while.
"""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import loratui
from loratui.machine.host import HostReader, in_container
from loratui.machine.nvml import Nvml

_Value = TypeVar("_Value")

_PACKAGES = ("textual", "click", "pydantic", "PyYAML", "nvidia-ml-py", "psutil", "platformdirs")


def examine(
    environ: Mapping[str, str] | None = None,
    state: Path | None = None,
    nvml: Nvml | None = None,
    patience: float = 2.0,
) -> dict[str, Any]:
    """Look at versions, terminal, NVML, state folder, knowledge base and detectors.

    The result holds JSON values only; `todo` lists what is off and what to do. No single question
    takes longer than `patience` seconds.
    """
    env = os.environ if environ is None else environ
    report: dict[str, Any] = {
        "schema": "loratui.doctor/1",
        "tool": f"loratui {loratui.__version__}",
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        "container": in_container(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "terminal": _terminal(env),
        "text": _text(env),
        "nvml": _nvml(nvml, patience),
        "host": _host(patience),
        "clipboard": _clipboard(env),
        "state": _state(state, patience),
        "knowledge": _knowledge(patience),
        "detectors": _detectors(patience),
    }
    report["todo"] = _todo(report)
    return report


def _within(patience: float, question: Callable[[], _Value]) -> tuple[_Value | None, str]:
    """The answer, or None and why there is none, after at most `patience` seconds."""
    answers: list[_Value] = []
    errors: list[str] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as error:
            errors.append(f"{type(error).__name__}: {' '.join(str(error).split())}"[:200])

    thread = threading.Thread(target=ask, name="doctor", daemon=True)
    thread.start()
    thread.join(patience)
    if answers:
        return answers[0], ""
    return None, errors[0] if errors else f"no answer within {patience:.0f} s"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except Exception:  # a half-removed package raises more than PackageNotFoundError
        return None


def _terminal(env: Mapping[str, str]) -> dict[str, Any]:
    tty = {name: _is_tty(getattr(sys, name)) for name in ("stdin", "stdout")}
    size = shutil.get_terminal_size((0, 0)) if tty["stdout"] else None
    return {
        "TERM": env.get("TERM"),
        "COLORTERM": env.get("COLORTERM"),
        "NO_COLOR": "NO_COLOR" in env,
        "columns": size.columns if size and size.columns else None,
        "rows": size.lines if size and size.lines else None,
        "input": tty["stdin"],
        "output": tty["stdout"],
        "multiplexer": _multiplexer(env),
        "ssh": bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY")),
    }


def _is_tty(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def _multiplexer(env: Mapping[str, str]) -> str | None:
    if env.get("TMUX"):
        return "tmux"
    if env.get("STY"):
        return "screen"
    return "zellij" if "ZELLIJ" in env else None


def _text(env: Mapping[str, str]) -> dict[str, Any]:
    named = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), None)
    encoding = getattr(sys.stdout, "encoding", None) or locale.getpreferredencoding(False)
    return {
        "locale": named,
        "encoding": encoding,
        "utf8": encoding.lower().replace("-", "").replace("_", "") == "utf8",
    }


def _nvml(nvml: Nvml | None, patience: float) -> dict[str, Any]:
    door = nvml or Nvml()

    def look() -> dict[str, Any]:
        fault = door.open()
        try:
            readings = door.read()
            return {
                "state": "ok" if fault is None else fault.kind,
                "note": "" if fault is None else fault.note,
                "driver": door.driver,
                "cuda": door.cuda,
                "count": len(readings),
                "gpus": [
                    {"index": gpu.index, "name": gpu.name, "lost": gpu.lost, "note": gpu.note}
                    for gpu in readings
                ],
            }
        finally:
            door.close()

    found, why = _within(patience, look)
    if found is not None:
        return found
    note = f"The NVIDIA driver gives {why}."
    return {"state": "hangs", "note": note, "driver": None, "cuda": None, "count": 0, "gpus": []}


def _host(patience: float) -> dict[str, Any]:
    host, why = _within(patience, lambda: HostReader().read())
    if host is None:
        return {"note": why, "cores": None, "memory_total": None, "disk_free": None}
    wanted = ("cores", "memory_total", "disk_free", "disk_path")
    return {"note": "", **{name: getattr(host, name) for name in wanted}}


def _clipboard(env: Mapping[str, str]) -> dict[str, Any]:
    between = _multiplexer(env)
    passes = {
        "tmux": "tmux passes it on only if it is set to, which cannot be seen from here",
        "screen": "GNU screen does not pass it on",
        "zellij": "zellij keeps the clipboard itself",
    }
    return {"route": "OSC 52 and a file", "note": passes.get(between or "", "")}


def _state(given: Path | None, patience: float) -> dict[str, Any]:
    def look() -> tuple[str, bool]:
        from loratui.paths import state_folder

        folder = given or state_folder()
        place = folder.absolute()
        while not place.exists() and place != place.parent:
            place = place.parent
        return str(folder), place.is_dir() and os.access(place, os.W_OK | os.X_OK)

    found, why = _within(patience, look)
    if found is None:
        return {"folder": str(given) if given else None, "writable": False, "note": why}
    return {"folder": found[0], "writable": found[1], "note": ""}


def _knowledge(patience: float) -> dict[str, Any]:
    def look() -> list[str]:
        from loratui.kb import lint
        from loratui.paths import overlay_folder

        return [f"{problem.where}: {problem.text}" for problem in lint(overlay_folder())]

    problems, why = _within(max(patience, 10.0), look)  # reads some hundred files
    return {"readable": problems is not None, "problems": problems or [], "note": why}


def _detectors(patience: float) -> dict[str, Any]:
    def look() -> list[str]:
        from loratui.detectors import detectors

        return sorted(detector.id for detector in detectors())

    ids, why = _within(max(patience, 10.0), look)  # imports a file for each
    return {"ids": ids or [], "note": why}


_NVML_ADVICE = {
    "no-package": "install it: pip install nvidia-ml-py",
    "shadowed": "rename that file, or: pip uninstall pynvml && pip install nvidia-ml-py",
    "no-library": "install the NVIDIA driver; in a container, start it with --gpus all; "
    "without an NVIDIA GPU nothing is wrong",
    "no-driver": "load it: sudo modprobe nvidia; after a kernel update, restart the machine",
    "mismatch": "restart the machine: the driver was updated while it was in use",
    "no-permission": "look at the owner and mode of /dev/nvidia*; in a container, use --gpus all",
    "old-library": "update the NVIDIA driver",
    "lost": "restart the machine; `dmesg | grep -i xid` tells why the GPU fell away",
    "unknown": "try nvidia-smi; in a container that lost its GPU, restart the container",
    "no-gpu": "look for the card with lspci; in a container, start it with --gpus all",
    "hangs": "try nvidia-smi: if that fails too, restart the machine",
}
_TMUX = "set -g set-clipboard on, and set -g allow-passthrough on"


def _todo(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is off, each with what to do, keyed by the section that it belongs to."""
    found: list[dict[str, str]] = []

    def add(about: str, text: str) -> None:
        found.append({"about": about, "text": text})

    for name, version in report["packages"].items():
        if version is None and name != "nvidia-ml-py":
            add("packages", f"install {name}: pip install {name}")
    terminal, multiplexer = report["terminal"], report["terminal"]["multiplexer"]
    if terminal["output"]:
        if terminal["TERM"] in (None, "", "dumb", "unknown"):
            add("terminal", "set the terminal type: export TERM=xterm-256color")
        if (terminal["columns"] or 80) < 80 or (terminal["rows"] or 24) < 24:
            add("terminal", "make the window at least 80 columns by 24 rows")
    if not report["text"]["utf8"]:
        add("text", "export LANG=C.UTF-8, or use --plain")
    nvml = report["nvml"]
    if nvml["state"] != "ok":
        add("nvml", _NVML_ADVICE.get(nvml["state"], _NVML_ADVICE["hangs"]))
    elif any(gpu["lost"] for gpu in nvml["gpus"]):
        add("nvml", _NVML_ADVICE["lost"])
    if multiplexer == "tmux":
        add("clipboard", f"if copying does nothing, in ~/.tmux.conf: {_TMUX}")
    elif multiplexer == "screen":
        add("clipboard", "take the text from the file whose path is shown")
    if not report["state"]["writable"]:
        add("state", "name a folder that can be written: export LORATUI_STATE=/some/folder")
    if not report["knowledge"]["readable"]:
        add("knowledge", "install loratui again; see `loratui kb lint`")
    elif report["knowledge"]["problems"]:
        add("knowledge", "see `loratui kb lint`; a user folder is named by LORATUI_KNOWLEDGE")
    if report["detectors"]["note"]:
        add("detectors", "install loratui again; if that does not help, report this line")
    return found


def render(report: Mapping[str, Any]) -> str:
    """The report as plain text: a line for each thing, and below it what to do."""
    todo: dict[str, list[str]] = {}
    for entry in report["todo"]:
        todo.setdefault(entry["about"], []).append(entry["text"])
    rows = []
    for about, lines in _lines(report).items():
        for at, text in enumerate([*lines, *(f"-> {text}" for text in todo.get(about, ()))]):
            rows.append(f"{about if at == 0 else '':<11}{_printable(text)}".rstrip())
    return "\n".join(rows)


def _lines(report: Mapping[str, Any]) -> dict[str, list[str]]:
    host, state, knowledge = report["host"], report["state"], report["knowledge"]
    clipboard, detectors = report["clipboard"], report["detectors"]
    versions = [f"{name} {version or 'missing'}" for name, version in report["packages"].items()]
    problems = _counted(len(knowledge["problems"]), "problem")
    found = f"{len(detectors['ids'])} found"
    return {
        "loratui": [
            f"{report['tool'].removeprefix('loratui ')}, Python {report['python']}, "
            f"{report['platform']}{', in a container' if report['container'] else ''}"
        ],
        "packages": [", ".join(versions)],
        "terminal": [_terminal_line(report["terminal"])],
        "text": [f"{report['text']['encoding']}, locale {report['text']['locale'] or 'not set'}"],
        "nvml": _nvml_lines(report["nvml"]),
        "host": [host["note"] or _host_line(host)],
        "clipboard": [_and(clipboard["route"], clipboard["note"])],
        "state": [
            f"{state['folder'] or 'unknown'}: "
            + (state["note"] or ("writable" if state["writable"] else "not writable"))
        ],
        "knowledge": [knowledge["note"] or problems, *knowledge["problems"][:5]],
        "detectors": [_and(found, detectors["note"])],
    }


def _terminal_line(terminal: Mapping[str, Any]) -> str:
    said = {
        terminal["TERM"] or "TERM not set": True,
        f"COLORTERM={terminal['COLORTERM']}": terminal["COLORTERM"],
        "NO_COLOR set": terminal["NO_COLOR"],
        f"{terminal['columns']}x{terminal['rows']}": terminal["columns"] and terminal["rows"],
        f"in {terminal['multiplexer']}": terminal["multiplexer"],
        "over SSH": terminal["ssh"],
        "input is no terminal": not terminal["input"],
        "output is no terminal": not terminal["output"],
    }
    return ", ".join(text for text, holds in said.items() if holds)


def _nvml_lines(nvml: Mapping[str, Any]) -> list[str]:
    if nvml["state"] != "ok" and not nvml["gpus"]:
        return [nvml["note"]]
    driver, cuda = nvml["driver"] or "unknown", nvml["cuda"] or "unknown"
    rows = [f"{_counted(nvml['count'], 'GPU')}, driver {driver}, CUDA up to {cuda}"]
    for gpu in nvml["gpus"]:
        name = f"GPU {gpu['index']}: {gpu['name'] or 'unnamed'}"
        rows.append(_and(f"{name}, lost" if gpu["lost"] else name, gpu["note"]))
    return rows


def _host_line(host: Mapping[str, Any]) -> str:
    def gib(value: int | None) -> str:
        return "unknown" if value is None else f"{value / 2**30:.1f} GB"

    memory, disk = gib(host["memory_total"]), gib(host["disk_free"])
    cores = host["cores"] or "unknown"
    return f"{cores} cores, {memory} of memory, {disk} free on {host['disk_path']}"


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _and(text: str, note: str) -> str:
    return f"{text}; {note}" if note else text


def _printable(text: str) -> str:
    """`text` without anything that a terminal would obey instead of show."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)

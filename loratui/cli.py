"""The command line. Thin on purpose: every command imports what it needs when it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from loratui import __version__
from loratui.core.plain import printable
from loratui.errors import LoratuiError

if TYPE_CHECKING:
    from loratui.engine.session import Session
    from loratui.kb.base import KnowledgeBase

SEVERITIES = ("info", "warning", "error", "critical")


class _Group(click.Group):
    """Shows every error of ours as one clear line, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LoratuiError as error:
            text = f"loratui: {error.title}: {error.message} {error.hint}"
            click.echo(printable(text.rstrip()), err=True)  # a file's name may hold escapes
            ctx.exit(2)
        except KeyboardInterrupt:
            ctx.exit(130)
        except BrokenPipeError:  # `| head` has seen enough
            sys.stderr.close()
            ctx.exit(0)


def _globals(command: Any) -> Any:
    options = (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--low-bandwidth", is_flag=True, help="Repaint at most every two seconds."),
        click.option(
            "--remote/--local", default=None, help="Repaint for a slow or a fast connection."
        ),
        click.option("--plain", is_flag=True, help="ASCII only, no colour."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=_Group, invoke_without_command=True)
@click.version_option(__version__, prog_name="loratui")
@_globals
@click.pass_context
def main(ctx: click.Context, /, **switches: Any) -> None:
    """Find out what is wrong with a LoRA training run, and what to change.

    Without a command it opens the app, with the symptom tree on key 2.
    """
    ctx.obj = switches
    if ctx.invoked_subcommand is None:
        _show(None, "", switches)


def _merged(ctx: click.Context, own: dict[str, Any]) -> dict[str, Any]:
    """Global switches may stand before or after the command."""
    above: dict[str, Any] = ctx.obj or {}
    given = {n for n in own if ctx.get_parameter_source(n) is not ParameterSource.DEFAULT}
    return {name: own[name] if name in given else above.get(name) for name in {*above, *own}}


@main.command()
@click.argument("path", required=False)
@click.option("--headless", is_flag=True, help="No screen: print findings as they appear.")
@click.option("--record", type=click.Path(path_type=Path), help="Keep a recording in this file.")
@_globals
@click.pass_context
def watch(
    ctx: click.Context, /, path: str | None, headless: bool, record: Path | None, **own: Any
) -> None:
    """Watch a run: a log file, a run folder, or `-` for standard input."""
    switches = _merged(ctx, own)
    if path is None:
        raise click.UsageError("Name the log to watch, or - for standard input.")
    if path == "-" and sys.stdin.isatty():
        raise LoratuiError(
            "Nothing to read",
            "Standard input is a terminal.",
            "Try: TRAINER 2>&1 | loratui watch -",
        )
    if headless or (path == "-" and not _terminal()):
        _stream(_session(path, record, machine=False), switches)
        return
    _need_terminal()
    _show(_session(path, record, machine=True), path, switches)


@main.command()
@click.argument("name", required=False)
@click.option(
    "--speed", type=click.FloatRange(min=0), default=None, help="Times as fast; 0: at once."
)
@click.option("--headless", is_flag=True, help="No screen: print findings as they appear.")
@_globals
@click.pass_context
def demo(
    ctx: click.Context, /, name: str | None, speed: float | None, headless: bool, **own: Any
) -> None:
    """Replay a recorded real run that ships with the package."""
    from loratui.engine.demo import DEFAULT, ReplayedMachine, open_demo
    from loratui.engine.session import Session
    from loratui.sources.recording import Replay

    recording = open_demo(name or DEFAULT)
    pace = speed if speed is not None else (0.0 if headless else 4.0)
    replay = Replay(recording, pace)
    session = Session(
        replay, _load, path=f"demo {recording.header.name}", machine=ReplayedMachine(replay)
    )
    switches = _merged(ctx, own)
    if headless:
        _stream(session, switches)
        return
    _need_terminal()
    _show(session, f"demo: {recording.header.title}", switches)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", help="Exit 1 from here on."
)
@_globals
@click.pass_context
def diagnose(ctx: click.Context, /, paths: tuple[Path, ...], fail_on: str, **own: Any) -> None:
    """Read logs or run folders once and print what is wrong."""
    from loratui.core.clock import SystemClock
    from loratui.core.findings import Severity
    from loratui.engine.diagnosis import diagnose as read_log
    from loratui.engine.report import exit_code, render, report_of

    kb = _load()
    runs = [read_log(path, kb) for path in paths]
    if _merged(ctx, own)["as_json"]:
        _print_json(report_of(runs, time=SystemClock().now()))
    else:
        click.echo("\n\n".join(render(run) for run in runs))
    ctx.exit(exit_code(runs, Severity.of(fail_on)))


@main.command()
@click.argument("symptom", required=False)
@click.option("--print", "as_text", is_flag=True, help="Print the tree as text.")
@_globals
@click.pass_context
def tree(ctx: click.Context, /, symptom: str | None, as_text: bool, **own: Any) -> None:
    """Step through the decision tree, from SYMPTOM if one is named."""
    switches = _merged(ctx, own)
    if as_text or switches["as_json"] or not _terminal():
        from loratui.kb.text import render_page, render_tree

        kb = _load()
        if symptom is not None:
            _known(kb, symptom)
        click.echo(render_tree(kb) if symptom is None else render_page(kb, symptom))
        return
    if symptom is not None:
        _known(_load(), symptom)
    _show(None, "", switches, begin="diagnose", symptom=symptom or "")


@main.command()
@click.argument("name")
@_globals
@click.pass_context
def explain(_: click.Context, /, name: str, **__: Any) -> None:
    """Explain a finding, a symptom or an option as text."""
    from loratui.kb.text import explain as text_of

    kb = _load()
    found = text_of(kb, name)
    if found is None:
        _known(kb, name)
    click.echo(found)


@main.group()
def kb() -> None:
    """The knowledge base."""


@kb.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_globals
@click.pass_context
def lint(ctx: click.Context, /, folder: Path | None, **_: Any) -> None:
    """Check the knowledge base (and an overlay FOLDER): schema, links, ids, sources."""
    from loratui import paths
    from loratui.kb import lint as check

    problems = check(folder or paths.overlay_folder())
    for problem in problems:
        click.echo(f"{problem.where}: {problem.text}")
    click.echo(f"{len(problems)} problems" if problems else "no problems")
    ctx.exit(int(bool(problems)))


@main.command()
@_globals
@click.pass_context
def doctor(ctx: click.Context, /, **own: Any) -> None:
    """Show the state of terminal, NVML, clipboard, knowledge base and detectors."""
    from loratui.engine.doctor import examine, render

    report = examine()
    if _merged(ctx, own)["as_json"]:
        _print_json(report)
    else:
        click.echo(render(report))


# helpers of the commands above


class _Knowledge:
    """The knowledge base, read once for whoever asks first: the session or a screen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base: KnowledgeBase | None = None

    def __call__(self, between: Callable[[], None] | None = None) -> KnowledgeBase:
        from loratui import paths
        from loratui.kb import load

        with self._lock:
            if self._base is None:
                self._base = load(paths.overlay_folder(), between, paths.cache_folder())
            return self._base


_load = _Knowledge()


def _known(kb: KnowledgeBase, name: str) -> None:
    """Raise an error that names the nearest ids when `name` is none."""
    import difflib

    if name in kb.symptoms:
        return
    ids = [*kb.symptoms, *kb.findings, *kb.options]
    near = difflib.get_close_matches(name, ids, n=3, cutoff=0.4)
    raise LoratuiError(
        "Unknown name",
        f"There is no symptom, finding or option {name!r}.",
        f"Nearest: {', '.join(near)}." if near else "See `loratui tree --print`.",
    )


def _session(path: str, record: Path | None, *, machine: bool) -> Session:
    from loratui.engine.gpus import LocalGpus
    from loratui.engine.session import Session
    from loratui.sources.base import Source

    source: Source
    if path == "-":
        from loratui.sources.stdin import Pipe

        source = Pipe(_private_stdin())
    else:
        from loratui.engine.diagnosis import log_in
        from loratui.sources.tail import Tail

        source = Tail(log_in(Path(path)))
    recorder = None
    if record is not None:
        from loratui.engine.recorder import FileRecorder

        recorder = FileRecorder(record, Path(path).name)
    gpus = LocalGpus() if machine else None
    return Session(source, _load, path=source.name, machine=gpus, recorder=recorder)


def _private_stdin() -> int:
    """A copy of standard input; the keyboard takes its place, for a screen needs one."""
    import os

    fd = os.dup(0)
    try:
        keyboard = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return fd
    os.dup2(keyboard, 0)
    os.close(keyboard)
    return fd


def _terminal() -> bool:
    return sys.stdout.isatty() and sys.stdin.isatty()


def _need_terminal() -> None:
    if not sys.stdout.isatty():
        raise LoratuiError(
            "No terminal",
            "The screen needs a terminal, and the output is not one.",
            "Use --headless, or `loratui diagnose`.",
        )


def _show(
    session: Session | None,
    title: str,
    switches: dict[str, Any],
    *,
    begin: str = "live",
    symptom: str = "",
) -> None:
    _need_terminal()
    if not sys.stdin.isatty():
        raise LoratuiError(
            "No terminal",
            "The screen needs a keyboard, and standard input is not a terminal.",
            "Use --headless, or `loratui diagnose`.",
        )
    import gc

    gc.disable()  # importing leaves no garbage; the app switches it on after its first screen
    if session is not None:
        session.start()  # reads the end of the log while the screen is being imported
    from loratui.paths import state_folder
    from loratui.ui.app import run
    from loratui.ui.options import UiOptions

    options = UiOptions(
        remote=switches.get("remote"),
        low_bandwidth=bool(switches.get("low_bandwidth")),
        plain=switches.get("plain") or None,
        colour=False if switches.get("plain") else None,
        title=title,
        begin=begin,
        symptom=symptom,
        knowledge=_load,
        state=state_folder(),
    )
    try:
        code = run(session, options)
    finally:
        if session is not None:
            session.stop()
    if code:
        sys.exit(code)


def _stream(session: Session, switches: dict[str, Any]) -> None:
    """Play a source without a screen; findings are printed once each as they appear."""
    from loratui.engine.headless import stream

    for line in stream(session, as_json=bool(switches.get("as_json"))):
        click.echo(line)


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


if __name__ == "__main__":
    main()

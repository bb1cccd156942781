"""The command line. Thin on purpose: every command imports what it needs when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from loratui import __version__, launch
from loratui.core.plain import printable
from loratui.errors import LoratuiError

if TYPE_CHECKING:
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
        launch.show(None, "", switches)


def _merged(ctx: click.Context, own: dict[str, Any]) -> dict[str, Any]:
    """Global switches may stand before or after the command."""
    above: dict[str, Any] = ctx.obj or {}
    given = {n for n in own if ctx.get_parameter_source(n) is not ParameterSource.DEFAULT}
    return {name: own[name] if name in given else above.get(name) for name in {*above, *own}}


@main.command()
@click.argument("path", required=False)
@click.option("--headless", is_flag=True, help="No screen: print findings as they appear.")
@click.option("--record", type=click.Path(path_type=Path), help="Keep a recording in this file.")
@click.option(
    "--tee",
    is_flag=True,
    help="With -: pass the input on to standard output; findings go to standard error.",
)
@_globals
@click.pass_context
def watch(
    ctx: click.Context,
    /,
    path: str | None,
    headless: bool,
    record: Path | None,
    tee: bool,
    **own: Any,
) -> None:
    """Watch a run: a log, a notebook, a run folder, TensorBoard's, or `-` for standard input.

    Without a path it looks for the runs on this box.
    """
    switches = _merged(ctx, own)
    if tee and path != "-":
        raise click.UsageError("--tee passes standard input on: use it with `watch -`.")
    if path is None:
        if headless:
            raise click.UsageError("Without a screen, name what to watch, or - for standard input.")
        launch.show(None, "", switches)
        return
    if path == "-" and sys.stdin.isatty():
        raise LoratuiError(
            "Nothing to read",
            "Standard input is a terminal.",
            "Try: TRAINER 2>&1 | loratui watch -",
        )
    if tee:
        session = launch.session_of(path, record, machine=True, copy=1)
        launch.stream(session, switches, errors=True)
        return
    if headless or (path == "-" and not launch.terminal()):
        launch.stream(launch.session_of(path, record, machine=True), switches)
        return
    launch.need_terminal()
    launch.show(launch.session_of(path, record, machine=True), path, switches)


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
        replay,
        launch.knowledge,
        path=f"demo {recording.header.name}",
        machine=ReplayedMachine(replay),
    )
    switches = _merged(ctx, own)
    if headless:
        launch.stream(session, switches)
        return
    launch.need_terminal()
    launch.show(session, f"demo: {recording.header.title}", switches)


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

    kb = _base()
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
    if as_text or switches["as_json"] or not launch.terminal():
        from loratui.kb.text import render_page, render_tree

        kb = _base()
        if symptom is not None:
            _known(kb, symptom)
        click.echo(render_tree(kb) if symptom is None else render_page(kb, symptom))
        return
    if symptom is not None:
        _known(launch.knowledge(), symptom)
    launch.show(None, "", switches, begin="diagnose", symptom=symptom or "")


@main.command(context_settings={"ignore_unknown_options": True})  # --network_dim is a name here
@click.argument("name", nargs=-1, required=True)
@_globals
@click.pass_context
def explain(ctx: click.Context, /, name: tuple[str, ...], **own: Any) -> None:
    """Explain an id, a few words, or a pasted line of a log as text.

    An id is that of a finding, symptom, checklist, guide, figure, model family, recipe, option
    (ours or a trainer's own key), card or word.
    """
    from loratui.kb.pages.page import page_of
    from loratui.kb.text import explain as text_of

    kb, wanted = _base(), " ".join(name)
    page = wanted if text_of(kb, wanted) is not None else _found(kb, wanted)
    if _merged(ctx, own)["as_json"]:
        from dataclasses import asdict

        blocks = page_of(kb, page) or []
        _print_json({"schema": "loratui.page/1", "id": page, "blocks": [asdict(b) for b in blocks]})
        return
    click.echo(text_of(kb, page))


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


@kb.command()
@click.option("--schema", is_flag=True, help="Print the JSON schema of the files instead.")
@_globals
@click.pass_context
def export(_: click.Context, /, schema: bool, **__: Any) -> None:
    """Print the whole knowledge base as JSON."""
    from loratui import paths
    from loratui.kb.export import as_json, json_schema
    from loratui.kb.loader import trainer_keys

    if schema:
        _print_json(json_schema())
        return
    trainers, _problems = trainer_keys(paths.overlay_folder())
    _print_json(as_json(launch.knowledge(), trainers, f"loratui {__version__}"))


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


def _base() -> KnowledgeBase:
    """The knowledge base; what is wrong in the user's own files is said on standard error."""
    kb = launch.knowledge()
    for problem in kb.problems:
        click.echo(printable(f"loratui: {problem.where}: {problem.text}"), err=True)
    return kb


def _known(kb: KnowledgeBase, page: str) -> None:
    """Raise an error that names the nearest pages when `page` is none."""
    from loratui.kb.pages.page import page_of

    if page_of(kb, page) is None:
        raise LoratuiError("Unknown page", f"There is no page {page!r}.", _nearest(kb, page))


def _found(kb: KnowledgeBase, wanted: str) -> str:
    """The page of an option's key in a trainer, or of a line that an error pattern recognises."""
    from loratui.kb.search import RECOGNISED, index_of

    option = kb.option_names("").get(wanted.lstrip("-"))
    if option is not None:
        return f"options/{option}"
    hits = index_of(kb).search(wanted)
    if hits and hits[0].score >= RECOGNISED:
        return hits[0].page
    raise LoratuiError("Unknown name", f"Nothing is called {wanted!r}.", _nearest(kb, wanted))


def _nearest(kb: KnowledgeBase, wanted: str) -> str:
    """A sentence with the ids that were probably meant."""
    import difflib

    from loratui.kb.search import index_of

    kinds = (kb.symptoms, kb.checklists, kb.guides, kb.profiles, kb.figures, kb.findings,
             kb.options, kb.gpus, kb.terms)  # fmt: skip
    ids = [name for kind in kinds for name in kind]
    near = difflib.get_close_matches(wanted, ids, n=2, cutoff=0.5)
    near += [hit.page for hit in index_of(kb).search(wanted, 4) if hit.page not in near]
    return f"Nearest: {', '.join(near[:4])}." if near else "See `loratui tree --print`."


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


if __name__ == "__main__":
    main()

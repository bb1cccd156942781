"""What is going wrong, in the order to act on, and what cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core import units
from loratui.core.advice import Fix, PatchLine, Stopping
from loratui.core.findings import Finding, Severity, Undecided
from loratui.core.snapshot import SessionSnapshot
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

GLYPHS = {Severity.INFO: "·", Severity.WARNING: "!", Severity.ERROR: "✖", Severity.CRITICAL: "✖"}
STYLES = {
    Severity.INFO: "accent",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.CRITICAL: "error",
}


def patch_words(patch: PatchLine) -> str:
    """``unet_lr 2e-4 → 1e-4``, without what is not known."""
    after = "remove" if patch.after is None else value_words(patch.after)
    if patch.before is None:
        return f"{patch.key} → {after}"
    return f"{patch.key} {value_words(patch.before)} → {after}"


def value_words(value: object) -> str:
    if isinstance(value, float):
        return units.rate(value)
    return str(value)


def fix_words(fix: Fix) -> str:
    """A fix in one sentence, with the changes it makes."""
    changes = ", ".join(patch_words(patch) for patch in fix.patch)
    text = fix.text.rstrip().rstrip(".:")
    return f"{text}:  {changes}" if changes else text


def since(finding: Finding) -> str:
    return "" if finding.first_step is None else f"since {units.whole(finding.first_step)}"


def finding_lines(finding: Finding, width: int, selected: bool) -> list[Line]:
    """Severity, title and step; what was seen; the first thing to do about it."""
    style = STYLES[finding.severity]
    glyph, word = GLYPHS[finding.severity], finding.severity.word
    follows = bool(finding.silenced_by)
    quiet = finding.acknowledged or finding.state == "resolved" or follows
    if finding.state == "resolved":
        glyph, word, style = "✔", "resolved", "good"
    elif finding.acknowledged:
        word, style = "seen", "muted"
    elif follows:
        word, style = "follows", "muted"
    head, right = f"{'▸' if selected else ' '}{glyph} {word:<8} ", since(finding)
    titles = wrap(finding.title or finding.id, width - len(head) - len(right) - 2)
    tail = (Span(f"{right} ", "muted"),) if right else ()
    name = finding.id
    rows = [
        Line((Span(head, style), Span(titles[0], "muted" if quiet else "title")), tail, name),
        *(Line((Span(" " * len(head)), Span(row)), target=name) for row in titles[1:]),
    ]
    if quiet and not selected:
        return rows
    summary = finding.summary
    if summary and finding.confidence < 0.85:
        summary += f" ({finding.confidence * 100:.0f} % sure)"
    told = [summary, *finding.causes]
    if follows:
        told.append(f"It follows from what is called {finding.silenced_by} above.")
    for text in told:
        rows += [line(f"   {row}", "", target=name) for row in wrap(text, width - 4) if row]
    if finding.now and finding.state == "firing" and not follows:
        now = wrap(finding.now, width - 5)
        rows += [line(f"   {row}", "warning", target=name) for row in now]
    if finding.fixes and finding.state == "firing":
        rows += _first_fix(finding, width, selected)
    return rows


def _first_fix(finding: Finding, width: int, selected: bool) -> list[Line]:
    words = wrap(fix_words(finding.fixes[0]), width - 13)
    rows = []
    for at, text in enumerate(words):
        head = Span("   → " if at == 0 else "     ", "accent")
        right = (Span("enter ", "key"),) if at == 0 and selected else ()
        rows.append(Line((head, Span(text, "accent")), right, finding.id))
    if len(finding.fixes) > 1 and selected:
        more = f"     {len(finding.fixes) - 1} more to try"
        rows.append(Line((Span(more, "muted"),), (Span("s ", "key"),), finding.id))
    return rows


def healthy_lines(checked: int, undecided: Sequence[Undecided], width: int) -> list[Line]:
    """Nothing is wrong, and how much that statement rests on."""
    early = sum(1 for item in undecided if item.state == "too-early")
    words = f"checked {checked} patterns"
    if early:
        words += f", {early} need{'s' if early == 1 else ''} more steps"
    rows = [Line((Span(" ✔ ", "good"), Span("nothing wrong so far · " + words, "good")))]
    if len(" ✔ nothing wrong so far · " + words) > width:
        rows = [Line((Span(" ✔ ", "good"), Span("nothing wrong so far", "good")))]
        rows += [line(f"   {row}", "muted") for row in wrap(words, width - 4)]
    return rows


UNTOLD = 4
"""Questions without an answer that are listed beside the findings."""


def undecided_lines(undecided: Sequence[Undecided], width: int, most: int = UNTOLD) -> list[Line]:
    """What cannot be told, by reason, at most so many; what only needs more steps in a sentence."""
    whys: dict[str, list[str]] = {}
    for item in undecided:
        if item.state == "cannot-tell":
            whys.setdefault(item.why.rstrip("."), []).append(item.question)
    texts = [
        f"cannot tell: {'; '.join(questions)}" + (f" ({why})" if why else "")
        for why, questions in whys.items()
    ]
    if len(texts) > most:
        more = len(texts) - most + 1
        texts[most - 1 :] = [f"{more} more questions that cannot be answered: s lists them"]
    early = [item.question for item in undecided if item.state == "too-early"]
    if early:
        texts.append(f"too early to tell: {'; '.join(early)}")
    rows: list[Line] = []
    for text in texts:
        first, *rest = wrap(text, width - 3)
        rows.append(line(f" · {first}", "muted"))
        rows += [line(f"   {row}", "muted") for row in rest]
    return rows


def stopping_lines(stopping: Stopping, width: int) -> list[Line]:
    """Which checkpoint to take, and why."""
    where = " · ".join(part for part in (stopping.span, stopping.files) if part)
    head = wrap(f"best checkpoint: {where or 'cannot be told yet'}", width - 3)
    rows = [line(f" {'→' if at == 0 else ' '} {row}", "accent") for at, row in enumerate(head)]
    for reason in stopping.reasons:
        rows += [line(f"   {row}", "muted") for row in wrap(reason, width - 4)]
    return rows


_HOW = (
    ("loratui watch FILE", "a log, a run folder, or - for standard input"),
    ("loratui diagnose FILE", "the same once, as text"),
    ("loratui demo", "replay a recorded run"),
)


def beginning_lines(path: str, width: int) -> list[Line]:
    """What will appear here and how to get it to."""
    if path:
        rows = [line(f" {row}") for row in wrap(f"Waiting for the first line of {path}", width - 2)]
        rows.append(line())
        text = "Findings appear here as soon as the trainer prints: what is wrong, why, the change."
        return rows + [line(f" {row}", "muted") for row in wrap(text, width - 2)]
    text = "No run is being watched. Findings of a run appear here, each with what to change."
    rows = [line(f" {row}") for row in wrap(text, width - 2)]
    rows += [line(), line(" Start one of these:")]
    for command, words in _HOW:
        if width >= 70:
            rows.append(Line((Span(f"   {command:<23}", "code"), Span(words, "muted"))))
        else:
            rows.append(line(f"   {command}", "code"))
            rows += [line(f"     {row}", "muted") for row in wrap(words, width - 6)]
    text = "Or press 2 when the training is over and the result looks wrong."
    return [*rows, line(), *(line(f" {row}", "muted") for row in wrap(text, width - 2))]


def _shown(now: SessionSnapshot) -> tuple[object, ...]:
    """All that the pane shows of a snapshot."""
    reading = now.status.history is not None
    state = (now.status.state == "waiting", reading)
    told = (now.findings, now.stopping, now.undecided, now.checked, now.unread)
    return *told, now.path, state


class FindingsPane(LineView):
    """The findings; the selected one is opened, acknowledged or copied by the screen's keys."""

    DEFAULT_CSS = """
    FindingsPane > .lines--cursor { background: $background; text-style: none; }
    FindingsPane:focus > .lines--cursor { background: $surface-lighten-1; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.snapshot = SessionSnapshot()

    def show(self, snapshot: SessionSnapshot) -> None:
        """Show the findings of this snapshot; a new step alone changes nothing here."""
        same = _shown(snapshot) == _shown(self.snapshot)
        self.snapshot = snapshot
        if not same:
            self.rebuild()

    @property
    def selected(self) -> Finding | None:
        """The finding under the cursor, else the first."""
        findings = self.snapshot.findings
        named = (finding for finding in findings if finding.id == self.target)
        return next(named, findings[0] if findings else None)

    def build(self, width: int) -> list[Line]:
        now = self.snapshot
        rows: list[Line] = []
        for finding in now.findings:
            rows += finding_lines(finding, width, finding is self.selected)
        for path, why in now.unread:
            rows += [line(f" ! {row}", "warning") for row in wrap(f"{path}: {why}", width - 4)]
        if now.status.state == "waiting" and not now.findings:
            return rows + beginning_lines(now.path, width)
        if not any(finding.state == "firing" for finding in now.findings):
            if now.status.history is not None:
                rows.append(line(" reading the log; the patterns are checked behind it", "muted"))
            else:
                rows += healthy_lines(now.checked, now.undecided, width)
        if now.stopping is not None and rows:
            rows += [line(), *stopping_lines(now.stopping, width)]
        if now.undecided and rows:
            rows.append(line())
        return rows + undecided_lines(now.undecided, width)

    def point_at(self, target: str) -> None:
        """A quiet finding opens while the cursor is on it."""
        super().point_at(target)
        self.rebuild()

"""Diagnose by its keys, on state and messages."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from loratui.core.advice import Fix, PatchLine
from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig
from loratui.core.findings import Evidence, Finding, Severity
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.notebook import Notebook
from loratui.kb.base import Problem
from loratui.ui.app import LoratuiApp, UiOptions
from tests.small_knowledge import small
from tests.ui.fake_feed import FakeFeed

FIXES = (
    Fix("halve-lr", "Halve the learning rate", "config", "high", verify="loss stays low",
        patch=(PatchLine("learning_rate", "unet_lr", 2e-4, 1e-4, "a.toml", 12),)),
    Fix("earlier", "Use an earlier checkpoint", "minutes", caveat="keep a copy [/foo]"),
)  # fmt: skip
FINDING = Finding(
    "loss-diverging", Severity.ERROR, "firing", first_step=1010, title="Loss is diverging",
    summary="rose 2.4× [/foo] over 230 steps",
    evidence=(Evidence("number", "noise explains 1.3×"),),
    symptom="diverging", fixes=FIXES,
)  # fmt: skip
TITLES = {name: symptom.title for name, symptom in small().symptoms.items()}


def make_app(*findings, feed=None, tmp_path=None):
    feed = feed or FakeFeed(SessionSnapshot(findings=findings))
    options = UiOptions(plain=False, polling=False, knowledge=small, state=tmp_path)
    return LoratuiApp(feed, options)


async def opened(pilot):
    """Go to Diagnose and wait for the knowledge base."""
    await pilot.press("2")
    while pilot.app.screen.atlas is None:
        await pilot.pause()
    await pilot.pause()
    return pilot.app.screen


def text_of(view):
    return "\n".join("".join(span.text for span in (*row.spans, *row.right)) for row in view.lines)


SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)])


@SIZES
async def test_page_shows_the_evidence(size):
    app = make_app(FINDING)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("diverging", FINDING)
        await pilot.pause()
        said = text_of(screen.page)
        assert "rose 2.4× [/foo] over 230 steps" in said
        assert "noise explains 1.3×" in said
        assert "2e-4 → 1e-4" in said
        assert "unet_lr" in said
        assert screen.right


@SIZES
async def test_every_symptom_is_reached_by_letters(size):
    for way, symptom in (("aaa", "diverging"), ("aab", "nan"), ("ab", "slow"), ("ba", "oom")):
        async with make_app().run_test(size=size) as pilot:
            screen = await opened(pilot)
            await pilot.press("g", *way)
            await pilot.pause()
            assert screen.shown[0] == symptom
            assert not screen.asking
            assert screen.page.has_focus


@SIZES
async def test_every_page_is_reached_through_the_tree(size):
    async with make_app().run_test(size=size) as pilot:
        screen = await opened(pilot)
        reached = set()
        for _ in range(30):
            tree = screen.tree_pane
            before = tree.target
            if page := tree.page_at(before):
                await pilot.press("enter")
                assert screen.shown[0] == page
                assert screen.page.has_focus
                reached.add(page)
                await pilot.press("left")
                assert tree.has_focus
            elif before not in tree.opened:
                await pilot.press("enter")
            await pilot.press("down")
            if tree.target == before:
                break
        assert reached == {*TITLES, "proof", "reading"}


async def test_arrows_and_enter_answer_too():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "down", "enter", "enter")
        await pilot.pause()
        assert screen.shown[0] == "oom"


async def test_back_goes_back_one_question_and_then_to_the_tree():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "a", "a")
        assert [node.id for node in screen.guided.walk.path] == ["", "running", "running/loss"]
        await pilot.press("left")
        assert screen.guided.walk.question.id == "running"
        await pilot.press("q")
        assert screen.guided.walk.question.id == ""
        await pilot.press("q")
        assert not screen.asking
        assert screen.tree_pane.has_focus
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.current_mode == "live"


async def test_back_from_a_page_that_questions_led_to_goes_to_the_question():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "a", "b")
        await pilot.pause()
        assert screen.shown[0] == "slow"
        await pilot.press("left")
        assert screen.asking
        assert screen.guided.walk.question.id == "running"


async def test_not_sure_offers_what_is_still_possible():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "a", "n")
        said = text_of(screen.guided)
        for text in ("rises", "is NaN", "steps are slow"):
            assert text in said
        assert "out of memory" not in said
        assert "Not sure" not in said
        await pilot.press("left")
        assert not screen.guided.walk.unsure
        await pilot.press("n", "b")
        await pilot.pause()
        assert screen.shown[0] == "nan"


async def test_answers_say_what_they_rule_out():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g")
        assert "rules out 1 of 4" in text_of(screen.guided)


@SIZES
async def test_search_by_option_and_by_pasted_line(size):
    async with make_app().run_test(size=size) as pilot:
        screen = await opened(pilot)
        await pilot.press("slash", *"learning")
        await pilot.pause()
        assert screen.results.target == "options/learning_rate"
        assert "diverging" in screen.results.targets()
        query = screen.query_one("#query")
        query.value = (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 96.00 MiB. GPU 0"
        )
        await pilot.pause()
        assert screen.results.target == "oom"
        await pilot.press("enter")
        await pilot.pause()
        assert screen.shown[0] == "oom"
        assert screen.page.has_focus


async def test_search_is_left_by_escape_and_by_backspace():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        for key in ("escape", "backspace", "left"):
            await pilot.press("slash")
            assert screen.searching
            await pilot.press(key)
            await pilot.pause()
            assert not screen.searching
            assert screen.tree_pane.has_focus


async def test_tried_is_kept_with_a_note_and_taken_back(tmp_path):
    async with make_app(FINDING, tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("t")
        assert Notebook(tmp_path / "notebook.json").trials == ()
        await pilot.press("enter", "down", "t", *"epoch [5", "enter")
        await pilot.pause()
        (trial,) = Notebook(tmp_path / "notebook.json").trials
        assert (trial.symptom, trial.fix, trial.note) == ("diverging", "earlier", "epoch [5")
        said = text_of(screen.page)
        assert "✔ Use an earlier checkpoint" in said
        assert "your note: epoch [5" in said
        assert screen.page.has_focus
        await pilot.press("t")
        await pilot.pause()
        assert Notebook(tmp_path / "notebook.json").trials == ()
        assert "✔" not in text_of(screen.page)


async def test_a_note_may_be_left_out(tmp_path):
    async with make_app(FINDING, tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter", "t", "x", "escape")
        await pilot.pause()
        assert [trial.note for trial in Notebook(tmp_path / "notebook.json").trials] == [""]
        assert not screen.note_line.display


@pytest.mark.parametrize(
    ("findings", "says"),
    [((FINDING,), "shown now still has it"), ((), "not seen so far in the run that is shown")],
)
async def test_the_next_run_shows_whether_the_finding_went_away(tmp_path, findings, says):
    Notebook(tmp_path / "notebook.json").try_fix("diverging", "halve-lr", "the run before")
    feed = FakeFeed(SessionSnapshot(findings=findings, run="this run"))
    async with make_app(feed=feed, tmp_path=tmp_path).run_test(size=(160, 48)) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("diverging")
        await pilot.pause()
        assert says in text_of(screen.page)


async def test_bookmarks_stand_above_the_tree_at_the_next_start(tmp_path):
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("b")
        assert "Bookmarks" not in text_of(screen.tree_pane)
        screen.show_symptom("oom")
        await pilot.press("b")
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert text_of(screen.tree_pane).splitlines()[:2] == ["Bookmarks", "» Out of memory"]
        screen.tree_pane.point_at("marked/oom")
        await pilot.press("enter", "b")
        assert screen.shown[0] == "oom"
        await pilot.press("left")
        await pilot.pause()
        assert "Bookmarks" not in text_of(screen.tree_pane)


async def test_where_one_was_is_remembered(tmp_path):
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter", "down", "enter", "down", "down", "enter")
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.tree_pane.target == "running/loss/nan"
        await pilot.press("g", "a", "a", "1")
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.asking
        assert screen.guided.walk.question.id == "running/loss"


@pytest.mark.parametrize(
    "position", [{"page": "gone", "opened": ["x", 3], "way": ["y"]}, {"page": 5}]
)
async def test_a_place_that_is_gone_is_no_crash(tmp_path, position):
    Notebook(tmp_path / "notebook.json").stay(position)
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.tree_pane.nodes


async def test_a_protocol_is_walked_step_by_step(tmp_path):
    async with make_app(tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "c")
        assert "It takes minutes." in text_of(screen.guided)
        await pilot.press("a")
        await pilot.pause()
        assert "1 of 2 · Runtime: The base model is known" in text_of(screen.guided)
        assert "Look at the log." in text_of(screen.guided)
        await pilot.press("a")
        assert "2 of 2" in text_of(screen.guided)
        await pilot.press("left", "b")
        await pilot.pause()
        assert screen.shown[0] == "nan"
        await pilot.press("left", "n", "n")
        assert "What is wrong?" in text_of(screen.guided)  # all steps are done: the next question
        await pilot.press("b")
        await pilot.pause()
        assert screen.shown[0] == "slow"
        screen.show_symptom("proof")
        await pilot.pause()
        rows = text_of(screen.page)
        assert "✔ 1. The base model is known" in rows
        assert "○ 2. Both images" in rows


async def test_g_on_the_page_of_a_protocol_walks_it():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("proof")
        await pilot.press("g")
        assert "1 of 2" in text_of(screen.guided)


async def test_items_are_ticked_by_hand_and_kept_for_the_run(tmp_path):
    feed = FakeFeed(SessionSnapshot(run="r1", judged={}))
    async with make_app(feed=feed, tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("first")
        await pilot.pause()
        screen.page.point_at("item:memory")
        await pilot.press("space")
        assert "✔ Memory is stable: about 40 GB" in text_of(screen.page)
        assert "○ Loss begins to fall" in text_of(screen.page)
    assert Notebook(tmp_path / "notebook.json").ticked("r1") == {"first/memory"}


async def test_what_the_answers_ruled_out_is_named():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g")
        assert "Ruled out so far" not in text_of(screen.guided)
        await pilot.press("a", "a")
        said = " ".join(text_of(screen.guided).split())
        assert "Ruled out so far (2): Steps are slow, Out of memory" in said


async def test_what_the_run_shows_not_to_be_there_is_named():
    feed = FakeFeed(SessionSnapshot(judged={"loss-diverging": ("done", "not seen")}))
    async with make_app(feed=feed).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "Not in this run so far: Loss is diverging" in text_of(screen.tree_pane)
        screen.show_symptom("diverging")
        await pilot.pause()
        assert "✔ Is the loss above its best?" in text_of(screen.page)


async def test_what_the_run_supports_comes_first():
    finding = replace(FINDING, symptom="oom", title="Out of memory")
    async with make_app(finding).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g")
        assert screen.guided.walk.choices[0].id == "crash"
        await pilot.press("a")
        assert screen.guided.walk.question.id == "crash"


async def test_a_command_is_copied_alone(tmp_path):
    fix = replace(FIXES[0], commands=("pip install -U torch", "python -m x"))
    finding = replace(FINDING, fixes=(fix,))
    async with make_app(finding, tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        screen.page.point_at("command:halve-lr:1")
        await pilot.press("y")
        await pilot.pause()
        assert (tmp_path / "copied.txt").read_text(encoding="utf-8").strip() == "python -m x"


async def test_figures_show_the_users_own_value():
    value = ConfigValue("learning_rate", 5e-4, "unet_lr")
    config = TrainingConfig({"learning_rate": value})
    facts = RunFacts(trainer="kohya", family="sdxl", config=config)
    async with make_app(feed=FakeFeed(SessionSnapshot(facts=facts))).run_test(
        size=(160, 48)
    ) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("rate")
        await pilot.pause()
        said = text_of(screen.page)
        assert "5e-4 (unet_lr)" in said
        assert "above: 1e-4" in said


async def test_words_are_explained_on_demand():
    async with make_app().run_test(size=(160, 48)) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("diverging")
        await pilot.pause()
        assert "A saved state of training." not in text_of(screen.page)
        screen.page.point_at("fold:words")
        await pilot.press("enter")
        assert "A saved state of training." in text_of(screen.page)


async def test_the_fix_under_the_cursor_is_copied(tmp_path):
    async with make_app(FINDING, tmp_path=tmp_path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter", "y")
        await pilot.pause()
        copied = (tmp_path / "copied.txt").read_text(encoding="utf-8")
        assert copied.startswith("Halve the learning rate\nunet_lr  2e-4 → 1e-4")


async def test_enter_unfolds_what_a_fix_costs():
    async with make_app(FINDING).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        assert "loss stays low" not in text_of(screen.page)
        await pilot.press("enter")
        assert "loss stays low" in text_of(screen.page)


async def test_related_is_followed_and_back_returns():
    async with make_app(FINDING).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        screen.page.point_at("page:nan")
        await pilot.press("enter")
        assert screen.shown[0] == "nan"
        await pilot.press("left")
        assert screen.shown[0] == "diverging"


async def test_what_the_run_shows_stands_on_top():
    async with make_app(FINDING).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        rows = text_of(screen.tree_pane).splitlines()
        assert rows[:2] == ["Seen in this run", "● Loss is diverging"]
        await pilot.press("down", "enter", "down", "enter")
        assert any(
            "rises" in row and "this run" in row for row in text_of(screen.tree_pane).splitlines()
        )


async def test_news_changes_the_marks_and_keeps_the_cursor():
    async with make_app().run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("down")
        snapshot = SessionSnapshot(findings=(FINDING,))
        screen.receive(snapshot, frozenset({"findings"}))
        await pilot.pause()
        assert screen.tree_pane.target == "crash"
        assert "Seen in this run" in text_of(screen.tree_pane)


async def test_one_side_at_a_time_when_narrow():
    async with make_app(FINDING).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        left, right = screen.query_one("#left"), screen.query_one("#right")
        assert left.display
        assert not right.display
        await pilot.press("enter")
        assert right.display
        assert not left.display
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert left.display
        assert right.display


async def test_tree_is_useful_without_a_run():
    app = LoratuiApp(None, UiOptions(plain=False, polling=False, knowledge=small))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert "What do you see?" in text_of(screen.tree_pane)
        assert "Leads to" in text_of(screen.page)


async def test_it_says_that_it_is_reading():
    gate = threading.Event()

    def slow():
        gate.wait(10)
        return small()

    app = LoratuiApp(None, UiOptions(plain=False, polling=False, knowledge=slow))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert "reading the knowledge base" in text_of(app.screen.tree_pane)
        await pilot.press("g", "enter", "down", "t", "slash", "a", "escape")
        app.screen.show_symptom("diverging", FINDING)
        gate.set()
        while app.screen.atlas is None:
            await pilot.pause()
        await pilot.pause()
        assert app.screen.shown[0] == "diverging"


async def test_nothing_is_repainted_when_news_are_the_same():
    async with make_app(FINDING).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.pause()
        painted = []
        for view in (screen.tree_pane, screen.page, screen.guided):
            view.refresh = lambda *regions, **_: painted.append(regions)
        screen.receive(SessionSnapshot(findings=(FINDING,)), frozenset({"findings", "facts"}))
        await pilot.pause()
        assert painted == []


async def test_a_broken_file_is_named_with_its_line():
    problem = Problem("/home/me/[/foo].yaml", 12, "fixes.0", "the key 'do' is missing")
    base = replace(small(), problems=(problem,))
    app = LoratuiApp(None, UiOptions(plain=False, polling=False, knowledge=lambda: base))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        said = text_of(screen.tree_pane)
        assert "/home/me/[/foo].yaml:12 fixes.0: the key 'do' is missing" in said
        assert "What do you see?" in said


async def test_a_knowledge_base_that_cannot_be_read_is_no_crash():
    def broken():
        raise OSError(5, "Input/output error")

    app = LoratuiApp(None, UiOptions(plain=False, polling=False, knowledge=broken))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("g", "enter", "right", "left", "slash", "a", "enter", "escape", "t", "y")
        assert "Input/output error" in text_of(screen.tree_pane)


async def test_hostile_finding_is_only_text():
    hostile = replace(
        FINDING,
        title="[/foo] \x1b[31m",
        summary="[@click=app.quit]x[/] \x9b2J",
        evidence=(Evidence("log", "a\x1b]0;title\x07b [/bar"),),
    )
    async with make_app(hostile).run_test(size=(160, 48)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        drawn = "".join(
            view.render_line(y).text
            for view in (screen.tree_pane, screen.page)
            for y in range(view.size.height)
        )
        assert "[@click=app.quit]x[/]" in drawn
        assert "[/bar" in drawn
        assert not set("\x1b\x9b\x07") & set(drawn)


@SIZES
async def test_ascii_terminal_gets_ascii(size):
    app = LoratuiApp(
        FakeFeed(SessionSnapshot(findings=(FINDING,))),
        UiOptions(plain=True, polling=False, knowledge=small),
    )
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        for keys in (("enter",), ("left", "g"), ("g",)):
            await pilot.press(*keys)
            for view in (screen.tree_pane, screen.page, screen.guided):
                assert "".join(view.render_line(y).text for y in range(view.size.height)).isascii()


async def test_a_fix_is_written_in_the_trainers_own_key():
    feed = FakeFeed(SessionSnapshot(facts=RunFacts(trainer="ai-toolkit")))
    async with make_app(feed=feed).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("diverging")
        await pilot.pause()
        assert "train.lr  × 0.5" in text_of(screen.page)

"""The table of keys against what it is said to generate."""

from __future__ import annotations

from textual.app import App

from loratui.ui import keys
from loratui.ui.app import LoratuiApp
from loratui.ui.screens.diagnose.screen import DiagnoseScreen
from loratui.ui.screens.live.screen import LiveScreen
from loratui.ui.screens.machine.screen import MachineScreen

SCREENS = {"live": LiveScreen, "diagnose": DiagnoseScreen, "machine": MachineScreen}


def test_ids_are_unique():
    ids = [key.id for key in keys.KEYS]
    assert len(ids) == len(set(ids))


def test_no_key_means_two_things_on_one_screen():
    for scope in SCREENS:
        names = [name for key in keys.keys_of(scope) for name in key.keys.split(",")]
        assert len(names) == len(set(names)), scope


def test_every_action_exists():
    for key in keys.KEYS:
        name = key.action.split("(")[0]
        owner = LoratuiApp if key.scope == "app" or name.startswith("app.") else SCREENS[key.scope]
        name = name.removeprefix("app.")
        assert hasattr(owner, f"action_{name}") or hasattr(App, f"action_{name}"), key.id


def test_every_row_explains_itself():
    for key in keys.KEYS:
        assert key.help.endswith(".")
        assert key.scope == "app" or key.scope in SCREENS


def test_screens_that_are_not_built_have_no_key():
    shown = {key for _, key, _ in keys.SCREENS}
    assert shown == {"1", "2", "5"}
    assert not {"3", "4", "6"} & {name for key in keys.KEYS for name in key.keys.split(",")}


def test_no_key_that_terminals_swallow_is_the_only_one():
    for key in keys.KEYS:
        names = key.keys.split(",")
        assert any("ctrl" not in name and name != "escape" for name in names), key.id


def test_markdown_has_every_row():
    table = keys.markdown()
    assert all(key.help in table for key in keys.KEYS)

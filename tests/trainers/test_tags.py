"""What tags of TensorBoard are called, and which of several gets a name."""

from __future__ import annotations

import pytest

from loratui.core.events import Metrics
from loratui.engine.beside import Beside
from loratui.trainers.tags import names_of, series_of


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        # a part of the validation is neither the training's loss nor the validation's mean
        ("eval/loss_quantile_0.25", ("val_loss q0.25", "val_loss eval q0.25")),
        ("eval1/loss_quantile_0.10", ("val_loss q0.10", "val_loss eval1 q0.10")),
        ("robot/loss_quantile_0.90", ("val_loss q0.90", "val_loss robot q0.90")),
        ("loss/validation_step/portraits", ("val_loss portraits",)),
        ("loss/validation_step/C:/data/a b/", ("val_loss C:/data/a b/",)),
        ("loss/validation_step/total_average", ("val_loss",)),
        ("loss/validation/step_current_500", ("val_loss t500",)),
        ("loss/validation/epoch_current_750", ("val_epoch_loss t750",)),
        ("loss/validation/step_divergence", ()),
        # data sets without a mean over them
        ("eval0/loss", ("val_loss", "val_loss eval0")),
        ("validation_set/loss", ("val_loss", "val_loss validation_set")),
        ("loss/val/robot", ("val_loss", "val_loss robot")),
        ("metrics/loss/val/robot", ("val_loss", "val_loss robot")),
        ("loss/val/pooled", ("val_loss",)),
        ("eval/loss", ("val_loss",)),
        ("chart/loss/val/robot", ()),
        # no validation as far as the name says
        ("train/loss", ("loss",)), ("robot/loss", ()), ("generator/loss", ()),
        ("eval/eval_time_sec", ()), ("epoch/loss_quantile", ()),
        # optimizers that find the rate themselves
        ("prodigy_d", ("prodigy_d",)), ("train/prodigy_d", ("prodigy_d",)),
        ("prodigy_effective_lr", ("effective_lr",)), ("lr/d*lr", ("effective_lr",)),
        ("train/automagic_avg_lr", ("effective_lr",)), ("train/automagic_lrs", ()),
    ],
)  # fmt: skip
def test_names(tag: str, names: tuple[str, ...]) -> None:
    assert names_of(tag) == names
    assert series_of(tag) == (names[0] if names else "")


def joined(*tags: str, console: tuple[str, ...] = ()) -> dict[str, str]:
    """The series of each tag as one file gives them, one validation after the other."""
    beside = Beside()
    found: dict[str, str] = {}
    for step in (1, 2):
        for tag in tags:
            event = Metrics("run/events", 0, tag, (step,), (0.5,))
            name = beside.name_of(event, console, "raw")
            assert found.setdefault(tag, name) == name  # the second time as the first
    return {tag: name for tag, name in found.items() if name}


def test_evaluation_sets_of_diffusion_pipe() -> None:
    """Quantiles come first, then their mean; the first set stands for the validation."""
    assert joined(
        "train/loss", "robot/loss_quantile_0.10", "robot/loss_quantile_0.20", "robot/loss",
        "style/loss_quantile_0.10", "style/loss_quantile_0.20", "style/loss",
    ) == {
        "train/loss": "loss",
        "robot/loss_quantile_0.10": "val_loss q0.10",
        "robot/loss_quantile_0.20": "val_loss q0.20",
        "robot/loss": "val_loss",
        "style/loss_quantile_0.10": "val_loss style q0.10",
        "style/loss_quantile_0.20": "val_loss style q0.20",
        "style/loss": "val_loss style",
    }  # fmt: skip


def test_concepts_of_onetrainer_leave_the_mean_its_name() -> None:
    assert joined(
        "loss/validation_step/a", "loss/validation_step/b", "loss/validation_step/total_average"
    ) == {
        "loss/validation_step/a": "val_loss a",
        "loss/validation_step/b": "val_loss b",
        "loss/validation_step/total_average": "val_loss",
    }


def test_evaluation_sets_of_simpletuner() -> None:
    assert joined("train_loss", "loss/val/a", "loss/val/b") == {
        "train_loss": "loss",
        "loss/val/a": "val_loss",
        "loss/val/b": "val_loss b",
    }


def test_a_second_tag_of_the_same_name_is_left_out() -> None:
    assert joined("lr/unet", "lr/transformer") == {"lr/unet": "lr"}


def test_what_the_console_gives_stays_its_own() -> None:
    assert joined("eval_loss", "train_loss", console=("val_loss", "loss")) == {}

"""What series are called, in which order they are offered, and which share a chart."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from loratui.trainers.tags import series_of
from loratui.ui.screens.live.curves import (
    KINDS,
    Choice,
    chosen,
    companion,
    curve_of,
    kind_of,
    ordered,
    together,
)
from tests.ui.fake_feed import HOSTILE, series


@pytest.mark.parametrize(
    "tag",
    [
        "loss/current", "loss/average", "loss/epoch_average", "loss/validation/epoch_average",
        "val/loss", "lr/unet", "lr/textencoder", "lr/d*lr/unet", "grad_norm",
        "prodigy_d", "norm/avg_key_norm",
    ],
)  # fmt: skip
def test_every_series_of_a_trainer_has_a_name(tag):
    assert series_of(tag) in KINDS


@pytest.mark.parametrize(
    ("name", "label", "group", "unit"),
    [
        ("loss", "loss", "loss", "step"),
        ("val_loss t500", "validation loss, t500", "loss", "step"),
        ("val_loss q0.25", "validation loss, q0.25", "loss", "step"),
        ("val_loss portraits", "validation loss, portraits", "loss", "step"),
        ("val_epoch_loss t500", "validation loss of each epoch, t500", "loss", "epoch"),
        ("val_epoch_loss", "validation loss of each epoch", "loss", "epoch"),
        ("epoch_time", "epoch time", "epoch_time", "epoch"),
        ("epoch", "epoch", "epoch", "step"),
        ("prior_loss", "prior loss", "loss", "step"),
        ("lr_prior", "lr prior", "rate", "step"),
        ("glossary", "glossary", "glossary", "step"),
        ("", "", "", "step"),
    ],
)
def test_names_known_and_guessed(name, label, group, unit):
    kind = kind_of(name)
    assert (kind.label, kind.group, kind.unit) == (label, group, unit)


@pytest.mark.parametrize("name", [HOSTILE, "日本語" * 30, "val_loss \x1b[31m", "x" * 400])
def test_names_from_outside_are_short_and_one_cell_a_character(name):
    label = kind_of(name).label
    assert label.isprintable()
    assert cell_len(label) == len(label) <= 44


def test_order():
    names = [
        "zeta", "lr", "val_loss t1000", "val_loss t900", "2", "alpha", "val_loss", "loss",
        "mean_loss", "10",
    ]  # fmt: skip
    assert ordered(names) == [
        "loss", "mean_loss", "val_loss", "val_loss t900", "val_loss t1000", "lr", "2", "10",
        "alpha", "zeta",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "allowed"),
    [
        ("loss", "mean_loss", True),
        ("loss", "val_loss t250", True),
        ("epoch_loss", "val_epoch_loss", True),
        ("lr", "lr_text_encoder", True),
        ("loss", "loss", False),
        ("loss", "lr", False),
        ("loss", "epoch_loss", False),
        ("grad_norm", "key_norm", False),
        ("alpha", "zeta", False),
    ],
)
def test_what_shares_a_chart(one, other, allowed):
    assert together(one, other) is allowed
    assert together(other, one) is allowed


@pytest.mark.parametrize(
    ("wanted", "names", "drawn"),
    [
        (None, ["loss", "lr"], Choice("loss")),
        (None, ["loss", "val_loss"], Choice("loss", "val_loss")),
        (None, [], Choice("loss")),
        (None, ["val_loss", "lr"], Choice("val_loss")),
        (Choice("loss"), ["loss", "val_loss"], Choice("loss")),
        (Choice("lr"), ["loss", "lr"], Choice("lr")),
        (Choice("lr"), ["loss"], Choice("loss")),
        (Choice("loss", "mean_loss"), ["loss"], Choice("loss")),
        (Choice("loss", "mean_loss"), ["loss", "mean_loss"], Choice("loss", "mean_loss")),
    ],
)
def test_what_is_drawn_of_what_is_wanted(wanted, names, drawn):
    assert chosen(wanted, names) == drawn


def test_only_the_loss_brings_the_validation_loss_along():
    assert companion("mean_loss", ["loss", "mean_loss", "val_loss"]) == Choice("mean_loss")


def test_a_printed_mean_has_no_dots_and_a_learning_rate_is_written_as_one():
    view = series("loss", [0.1])
    assert not curve_of("loss", view, "raw").smoothed
    assert curve_of("loss", view, "running-mean").smoothed
    assert curve_of("mean_loss", view, "raw").smoothed
    assert not curve_of("grad_norm", view, "running-mean").smoothed
    assert curve_of("lr_text_encoder", view, "raw").words(5e-5) == "5e-5"
    assert curve_of("loss", view, "raw").words(5e-5) == "5.00e-05"
    assert curve_of("loss", view, "raw").words(float("nan")) == "no number"

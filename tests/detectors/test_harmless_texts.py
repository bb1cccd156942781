"""What looks like trouble in a healthy log is none, and hides none."""

from __future__ import annotations

import logging

import pytest
import yaml

from loratui.core.findings import Severity
from tests.detectors.logs import LAUNCHER, TEXTS, findings, first, logged, traced

HARMLESS = yaml.safe_load((TEXTS / "harmless.yaml").read_text(encoding="utf-8"))
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB."


def serious(text):
    return [each.id for each in findings(text) if each.severity >= Severity.WARNING]


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:60])
def test_it_is_no_finding(text):
    assert serious(text if text.endswith("\n") else f"{text}\n") == []


@pytest.mark.parametrize("text", [text for text in HARMLESS if "\n" not in text])
def test_it_is_no_finding_when_wrapped(text):
    assert serious(logged(text, logging.INFO)) == []


def test_nothing_of_it_hides_what_went_wrong():
    noise = "".join(text if text.endswith("\n") else f"{text}\n" for text in HARMLESS)
    assert serious(noise) == []
    assert first(noise + traced(OOM)) == "cuda-oom"


def test_what_is_harmless_elsewhere_may_end_the_run():
    missing = traced("ModuleNotFoundError: No module named 'triton'")
    assert serious(missing) == []
    assert first(missing + LAUNCHER) == "missing-dependency"
    assert first(missing + traced("KeyError: 'sks'") + LAUNCHER) == "crashed"
    assert first(missing + traced(OOM) + LAUNCHER) == "cuda-oom"
    far = missing + "loading image sizes.\n" * 2000
    assert findings(far + LAUNCHER)[0].numbers["type"] == "subprocess.CalledProcessError"

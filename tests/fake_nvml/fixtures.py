"""Fixtures around the stand-in; imported by a conftest."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_nvml.build import FakeNvml, NoCompilerError, build

Builder = Callable[..., Path]


@pytest.fixture(scope="session")
def build_nvml(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Compile the stand-in once for each set of missing functions."""
    built: dict[tuple[str, ...], Path] = {}

    def compiled(*missing: str) -> Path:
        if missing not in built:
            try:
                built[missing] = build(tmp_path_factory.mktemp("nvml"), missing)
            except NoCompilerError as error:
                reason = f"the NVML stand-in cannot be compiled: {error}"
                if os.environ.get("CI"):
                    pytest.fail(reason)
                pytest.skip(reason)
        return built[missing]

    return compiled


@pytest.fixture
def fake_nvml(build_nvml: Builder, tmp_path: Path) -> FakeNvml:
    """For programs of their own: `fake_nvml("util 97")` gives the environment to start one in."""
    return FakeNvml(tmp_path, build_nvml())


@pytest.fixture
def load_nvml(
    build_nvml: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., FakeNvml]]:
    """For this process: `load_nvml("util 97", missing=[…])` puts the stand-in under the bindings.

    The real `pynvml` is used: it takes `pynvml.nvmlLib` for the library once that is set.
    """
    import pynvml

    def load(scenario: str = "", missing: tuple[str, ...] = ()) -> FakeNvml:
        fake = FakeNvml(tmp_path, build_nvml(*missing))
        fake.write(scenario)
        monkeypatch.setenv("FAKE_NVML", str(fake.path))
        monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(fake.library)))
        monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
        return fake

    return load

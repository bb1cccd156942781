"""The bindings of nvidia-ml-py and the shared library below them."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from loratui.machine import faults
from loratui.machine.faults import RefusedError, UnusableError

# Where the library lies when it is not on the loader's path: WSL, rented containers, NixOS.
_PLACES = (
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/run/opengl-driver/lib/libnvidia-ml.so.1",
)


class Library:
    """NVML's functions by name. `ready` says whether it is initialised."""

    def __init__(self) -> None:
        self.module: Any = None
        self.ready = False
        self._missing: set[tuple[Any, ...]] = set()

    def open(self) -> None:
        """Import the bindings, load and initialise the library; may take seconds.

        Raises:
            UnusableError: the bindings are missing or not NVIDIA's.
            RefusedError: the library is missing or cannot be initialised.
        """
        self.module = _bindings()
        try:
            self.call("nvmlInit")
        except RefusedError as refusal:
            if refusal.code != faults.LIBRARY_NOT_FOUND or not self._load_elsewhere():
                raise
            self.call("nvmlInit")
        self.ready = True

    def close(self) -> None:
        """Give it back, if it is open."""
        if self.ready:
            self.ready = False
            self.quietly("nvmlShutdown")

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of the bindings; one that this driver lacks is asked for only once.

        Raises:
            RefusedError: NVML refused, the function is missing, or the bindings failed.
        """
        # by number too: the bindings choose between C functions by a version that they are given
        asked = (name, *(value for value in args if isinstance(value, int)))
        function = None if asked in self._missing else getattr(self.module, name, None)
        if function is None:
            raise RefusedError(faults.FUNCTION_NOT_FOUND, "Function Not Found")
        try:
            return function(*args)
        except Exception as error:
            code = getattr(error, "value", None)
            if not isinstance(error, self.module.NVMLError) or not isinstance(code, int):
                raise RefusedError(None, f"{type(error).__name__}: {error}") from error
            if code == faults.FUNCTION_NOT_FOUND:
                self._missing.add(asked)
            raise RefusedError(code, str(error)) from None

    def quietly(self, name: str, *args: Any) -> Any:
        """As `call`, but None where it would raise."""
        try:
            return self.call(name, *args)
        except RefusedError:
            return None

    def _load_elsewhere(self) -> bool:
        """Load the library from where the loader does not look; the bindings then use it."""
        for place in _PLACES:
            if os.path.exists(place):
                try:
                    self.module.nvmlLib = ctypes.CDLL(place)
                except OSError:
                    continue
                return True
        return False


def _bindings() -> Any:
    """The module `pynvml`, if it is NVIDIA's.

    Raises:
        UnusableError: it is not installed, or another file of that name stands before it.
    """
    try:
        import pynvml
    except ModuleNotFoundError as error:
        if error.name == "pynvml":
            raise UnusableError(faults.NO_PACKAGE) from None
        raise UnusableError(faults.shadowed(f"pynvml ({error})")) from error
    except Exception as error:  # a file of the same name may do anything when imported
        said = f"pynvml ({type(error).__name__}: {error})"
        raise UnusableError(faults.shadowed(said)) from error
    if not hasattr(pynvml, "nvmlInit") or not hasattr(pynvml, "NVMLError"):
        where = getattr(pynvml, "__file__", None) or str(getattr(pynvml, "__path__", "pynvml"))
        raise UnusableError(faults.shadowed(where))
    return pynvml

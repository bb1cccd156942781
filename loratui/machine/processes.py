"""Names of processes that the driver lists."""

from __future__ import annotations

import os

import psutil

from loratui.machine.host import in_container

_DEVICES = ("/dev/nvidia", "/dev/dxg")


def name_of(pid: int) -> str | None:
    """The name of process `pid`, or None when it is not to be seen from here.

    In a container the driver may list numbers of the host, where the same number belongs to
    another process: a name is given there only to a process that has the GPU open.
    """
    try:
        if in_container() and _has_gpu_open(pid) is False:
            return None
        return str(psutil.Process(pid).name()) or None
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def _has_gpu_open(pid: int) -> bool | None:
    """Whether `pid` has a GPU device open; None when that is not ours to see."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith(_DEVICES):
            return True
    return False

"""The machine: GPUs, processes and the box."""

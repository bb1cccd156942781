"""The box that a run is on: GPUs through NVML, processor, memory and disk."""

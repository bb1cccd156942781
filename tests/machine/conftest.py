from tests.fake_nvml.fixtures import build_nvml, fake_nvml, load_nvml

__all__ = ["build_nvml", "fake_nvml", "load_nvml"]

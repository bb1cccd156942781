"""A terminal troubleshooter for people who train image LoRAs."""

__version__ = "0.1.0"

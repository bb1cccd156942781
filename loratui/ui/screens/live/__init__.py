"""How the run is doing."""

"""Sources of camera frames, shelf readings and gate signals."""

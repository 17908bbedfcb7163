"""Model files as programs."""

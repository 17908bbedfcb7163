"""Normalizations. A new one is a class in a file here; `_channels` has what they share."""

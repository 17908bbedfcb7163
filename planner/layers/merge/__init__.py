"""Layers that bring several tensors together. A new one is a class in a file here."""

"""Layers that bring several tensors together."""

"""Activations. A new activation is a class in a file here."""

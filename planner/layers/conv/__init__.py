"""Convolutions and transposed convolutions. A new one is a class in a file here; `_grouped` has what they share."""

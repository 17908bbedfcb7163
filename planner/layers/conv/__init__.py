"""Convolutions, and transposed ones."""

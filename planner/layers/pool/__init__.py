"""Pooling: windows or bins of cells become one value each."""

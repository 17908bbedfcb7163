"""Pooling: windows or bins of cells become one value each. A new pooling is a class in a file here."""

"""Layers that give the axes another form: reshaping, reordering, cutting. A new one is a class in a file here."""

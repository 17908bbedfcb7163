"""Layers that give the axes another form: reshaping, reordering, cutting."""

"""What `planner diff` prints: a comparison of two reports, in a format each.

A new format is a file whose `render(comparison, screen, theme, engine)` gives text or bytes. The JSON keys
are promises.
"""

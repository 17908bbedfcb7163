"""What `planner map` draws: an input as an image of how well each of its cells is read.

A new format is a file whose `render(report, seen, theme, image)` gives text or bytes; `_seen` works out what is shown.
"""

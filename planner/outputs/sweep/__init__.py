"""What `planner sweep` prints: the rows of an outcome that keep the limits, in a format each.

A new format is a file whose `render(outcome, screen, theme, engine)` gives text or bytes. Columns and JSON keys are
promises. `svg`, `png` and `pdf` are pictures of the Pareto front.
"""

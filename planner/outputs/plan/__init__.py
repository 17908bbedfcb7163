"""What `planner plan` prints: the steps of one report, in a format each.

A new format is a file whose `render(report, screen, depth)` gives text. The JSON keys and the
columns of CSV are promises.
"""

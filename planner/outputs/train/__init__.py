"""What `planner plan --train` prints: the memory of training of one report, in a format each.

A new format is a file whose `render(report, training, screen, depth)` gives text. The JSON keys and the columns of CSV
are promises.
"""

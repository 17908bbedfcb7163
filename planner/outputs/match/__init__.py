"""What `planner match` prints: a checkpoint beside a model, in a format each.

A new format is a file whose `render(match, screen)` gives text. The JSON keys are promises.
"""

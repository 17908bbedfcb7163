"""What `planner sizes` prints: for which sizes of its inputs a model works, is lossless, is exact.

A new format is a file whose `render(inputs, screen, low, high)` gives text. The JSON keys are promises.
"""

"""What `planner fit` prints: the largest batch that fits, and what checkpointing blocks would do.

A new format is a file whose `render(training, batch, limit, savings, screen)` gives text. The JSON keys are promises.
"""

"""What `planner calc` prints: one layer worked out by the hand rule.

A new format is a file whose `render(paper, screen)` gives text; `_strip` draws the cells for all of them.
"""

"""What `planner map` draws: an input as an image of how well each of its cells is read."""

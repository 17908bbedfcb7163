"""What `planner report` writes: all that is known about one model, as a page to look at."""

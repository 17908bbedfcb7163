"""What `planner fit` prints: the largest batch that fits, and what checkpointing blocks would do."""

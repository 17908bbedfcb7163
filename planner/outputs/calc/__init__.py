"""What `planner calc` prints: one layer worked out by the hand rule."""

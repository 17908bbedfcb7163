"""What `planner plan` prints: the steps of one report, in a format each."""

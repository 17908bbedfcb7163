"""What `planner plan --train` prints: the memory of training of one report, in a format each."""

"""What `planner sizes` prints: for which sizes of its inputs a model works, is lossless, is exact."""

"""What stops a step, one kind a file."""

"""What is worked out from a plan: each file one function from Plan to a typed result."""

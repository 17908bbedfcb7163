"""The analyses of a plan. Each file has one function from a Plan to a typed result."""

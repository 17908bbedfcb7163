"""The planner's time and memory against torch's, as ratios measured in one run: `python -m benchmarks`."""

"""Servers: an editor, the live page and agents ask the planner the same things as the command line."""

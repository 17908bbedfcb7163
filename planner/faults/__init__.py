"""What stops a stage, one kind a file.

A new fault is a new file with one class: its docstring is the manual page, `bad` and `good` are model files that the
tests run. Messages may be improved; codes and names are promises. `_in_text` and `_written_elsewhere` are what faults
share.
"""

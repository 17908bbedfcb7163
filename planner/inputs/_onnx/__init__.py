"""ONNX files: read, their nodes walked in order, and each said in the planner's layers.

A new operator is a function in `operators/`.
"""

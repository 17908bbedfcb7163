"""ONNX files: read, their nodes walked in order, and each said in the planner's layers."""

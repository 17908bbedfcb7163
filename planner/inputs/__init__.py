"""Networks as people have them already, read into model files: the mirror of `outputs`. A file for each format."""

"""The zoo: networks that many people use, imported, held to the original, and judged. `make zoo` writes `docs/zoo.md`.

`networks.py` lists them, `measuring.py` measures one, `runs.py` each in a process of its own, and `page.py` writes what
was found.
"""

"""Programs that run beside what is measured, each a process of its own: `python -m bench.children.NAME`.

Each prints what it found as one JSON object on its last line.
"""

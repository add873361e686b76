"""The one top nursery, and what runs in it: recorder, engine, server, display. Joins the two halves.

`core` opens the nursery and submits jobs; `prepare` makes a job of a definition; `signals` is Ctrl-C; `show` drives
a display by the stream; `run`, `tail` and `serve` are what the commands of these names do; `actions` is what the
server may ask for.
"""

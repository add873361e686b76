"""The command line: one file per command, the only place with Typer, and the one `trio.run` (in `loop`).

A command is parse, check, hand over, print: what it does lies below, in `session` and in the reading half.
"""

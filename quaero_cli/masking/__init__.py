"""Secrets out of everything that is stored or shown: pure, on text and on streams of bytes.

`forms` says in which shapes a secret turns up, `mask` takes them out of whole texts and values, `stream` out of
output that comes in pieces. A job without secrets has no mask at all, so it pays nothing.

The order matters: what cuts a text (a limit, a split into lines) must come after the mask, or the halves of a secret
pass. Whoever cuts asks for the mask first; the engine masks every fact once more where it is emitted.
"""

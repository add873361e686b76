"""quaero: a CLI-first job runner with an embedded live log viewer.

How the package is laid out, in the direction data flows::

    TOML -> jobdef -> plan + steps -> engine -> recorder -> STORE
    STORE -> stream -> (server -> browser) and (terminal -> shell)

The writing half and the reading half meet only in the store; ``session`` opens the one top nursery and
joins them, and ``cli`` holds the one ``trio.run``. This file stays empty of imports: ``--version`` is quick.
"""

__version__ = "0.1.0"

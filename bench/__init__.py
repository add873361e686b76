"""Benchmarks: how quaero does against a floor or a peer that is measured in the same run, on the same machine.

    python -m bench [--smoke] [--json] [NAME...]

The rules, which keep a number from being believed for the wrong reason:

1. A verdict is a ratio to something measured beside it, in interleaved rounds; never an absolute time. A cost of one
   is the floor's, and less is better. What is exact (nothing lost, nothing twice, in order) is checked on the way.
2. Every ratio has a target. A whole run judges by it; `--smoke` runs each benchmark small and judges by three times
   the target, so that it finds a catastrophe on a noisy machine and does not cry wolf.
3. Measured are whole processes as users have them: `quaero run`, `tail`, `serve`. Programs of our own that run
   beside them are in `children/`.

One file is one benchmark: a function `measure(smoke)` that returns a `Result`; `__main__` knows them by name. Exit
code 0: every ratio and every fact held; 1: one did not, or a benchmark broke; 2: wrong usage. `docs/benchmarks.md`
says what each one measures.
"""

"""Following the store: one loop for `tail`, `run`'s own output and the SSE stream."""

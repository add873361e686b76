"""Many machines: what stands between this store and those of the others.

A worker machine is an ordinary session with a store of its own, which also keeps every fact in its outbox. The
shipper sends the outbox to the engine's log, in order; a view (`quaero serve --engine`) takes the log of all into its
store, and says of each origin up to where it has it on disk; only then the worker forgets. So the engine may lose
what it acknowledged: it is sent again. Jobs go the other way, through the engine's queue: a row in the view's store
first, then dispatched, claimed by one worker for as long as its lease is renewed, and fenced by the attempt.

`ports` says what an engine must do; `memory` is one in this process; `nats` is the real one, the only place that
knows its client.
"""

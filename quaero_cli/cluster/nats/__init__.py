"""NATS JetStream as the engine, by its official client. Nothing outside this folder imports that.

The client needs asyncio, the rest of quaero is Trio: `thread` runs the one beside the other, `wire` is the connection
and its requests, `log` and `queue` are what is made of them, `engine` puts them together for Trio. The client's
helpers for JetStream are not used (a consumer of theirs can stay dead after a restart of the server); everything is
a request with an answer, and the place in the log is kept by us, so that there is nothing to get stuck.
"""

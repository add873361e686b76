"""The only SQL of quaero: one database file, the only truth.

`engine` opens connections on a safe SQLite and `schema` brings the file to today's tables. The writer's side
(`writer`, `queue`) and the reader's side (`reader`, `rows`, `counts`) are separate objects; readers import only
theirs.
"""

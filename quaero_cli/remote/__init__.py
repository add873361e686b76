"""A server's log, followed from another shell or machine: the wire protocol's other side."""

"""What runs in the reading processes: everything that parses what a site sent.

HTML and XML from strangers can cost seconds (98 KB of `<b id=1><p><b id=2><p>…` keep lexbor busy for 32 s) or the
process itself, so it is parsed where a process can be killed. Nothing here knows the event loop, the network or
the job; `reader` is the one door, `forkserver` the process machinery.
"""

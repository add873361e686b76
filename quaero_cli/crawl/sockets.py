"""The sockets that a libcurl multi handle wants watched, in an epoll: shared by all who drive transfers.

A descriptor leaves the epoll the moment libcurl says so, since it may be used again at once.
"""

import select

import pycurl

_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR


class Sockets:
    """Those of one multi handle, which outlives this. `epoll` may watch others beside them; the owner closes it."""

    def __init__(self, multi: pycurl.CurlMulti) -> None:
        self.epoll = select.epoll()
        self._multi = multi
        self._watched: set[int] = set()
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)

    def turn(self, ready: list[tuple[int, int]]) -> None:
        """Let libcurl go on with those that the epoll found; what is not libcurl's, or no more, is passed by."""
        for descriptor, events in ready:
            if descriptor in self._watched:
                ways = (pycurl.CSELECT_IN if events & _READABLE else 0) | (
                    pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0
                )
                self._multi.socket_action(descriptor, ways)

    def _on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if descriptor in self._watched:
                self._watched.discard(descriptor)
                self.epoll.unregister(descriptor)
        elif descriptor in self._watched:
            self.epoll.modify(descriptor, _EVENTS[what])
        else:
            self.epoll.register(descriptor, _EVENTS[what])
            self._watched.add(descriptor)

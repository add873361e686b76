"""Cron in `quaero serve`: which definition fires when, and starting its job then.

The files, in the order in which they use one another::

    times     when a definition fires: pure
    decide    what to do about the fires between two moments: pure
    folders   the definitions on disk, loaded again when a file has changed
    look      one look: files, the store's table of fires, the time -> what to do now, and when to look next
    loop      looks again and again, and carries out

The wall clock decides, and it is looked at again each second: so a suspended machine and a clock that was set are
noticed. What has been dealt with is in the store (`store.fires`), so no fire happens twice, whatever restarts.
"""

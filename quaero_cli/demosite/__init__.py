"""A made-up news site, served on loopback: what a first crawl reads, and what the crawler's tests compare with.

How it is made, each file using those before it::

    draw, desks (grammar/*.toml) -> writer -> story -> newsroom    what is written
    edition -> markup -> article_page, listings, extras, feeds, assets    how it is shown, and where
    reply, traffic, oracle -> site    which address answers what
    answer -> server    HTTP

This file stays empty of imports: the step type is listed without loading any of it.
"""

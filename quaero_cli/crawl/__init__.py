"""The crawler's parts. What a site sent is parsed in processes that can be killed (`reading/`), not here.

One page's way: `frontier` (which URL next) -> `visit` (robots, redirects, retries) -> `fetch` over `curl` (one
request, pinned to addresses that `addresses` allows) -> `pool` (a reading process: links, metadata, article) ->
`crawl` (what becomes of it). `ports` says what the crawler needs of its surroundings. Importing this package
itself costs nothing; its modules need the `crawler` libraries and are imported when a crawl runs.
"""

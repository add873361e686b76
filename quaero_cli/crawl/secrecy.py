"""Addresses that hold a secret, as they come back from the store: there the secret is `***`. Pure.

Start URLs may hold one (`?token={env.TOKEN}`), and with it the links of their pages. Such an address is made whole
again only for a site whose start URL holds one secret in one form: that site was told it already. Every other one is
lost, and has to be found anew.
"""

from collections.abc import Sequence

from quaero_cli.crawl.urls import origin
from quaero_cli.masking.mask import MASK, Mask
from quaero_cli.model import FrontierPage


class Secrecy:
    """Makes stored addresses whole. `mask` None: the job has no secrets."""

    def __init__(self, mask: Mask | None, start_urls: Sequence[str]) -> None:
        self._mask = mask
        self._forms: dict[str, set[str]] = {}
        if mask is not None:
            for url in start_urls:
                self._forms.setdefault(origin(url), set()).update(mask.found(url))

    def whole(self, url: str) -> str | None:
        """The address that was stored; None where that cannot be told."""
        if self._mask is None or MASK not in url:
            return url
        forms = self._forms.get(origin(url), set())
        return url.replace(MASK, next(iter(forms))) if len(forms) == 1 else None

    def whole_pages(self, rows: Sequence[FrontierPage]) -> list[FrontierPage]:
        """Pages of the store with their addresses made whole; without those of which that cannot be done."""
        found = ((page, self.whole(page.url)) for page in rows)
        return [page._replace(url=url) for page, url in found if url is not None]

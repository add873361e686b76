"""What of a crawl its author does not choose: how patient it is, who answers about names, which readers it has."""

from dataclasses import dataclass, field

from quaero_cli.crawl.frontier import MAX_HEAPED
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.patience import Patience
from quaero_cli.crawl.pool import DEFAULT_FACTORY, LINKS_FACTORY, PAGE_SECONDS
from quaero_cli.crawl.resolve import Lookup, system_lookup


@dataclass(frozen=True)
class Tuning:
    """What the author of a job does not choose."""

    patience: Patience = field(default_factory=Patience)
    lookup: Lookup = system_lookup
    reader_factory: str = ""  # "": what the options ask for
    reader_seconds: float = PAGE_SECONDS
    max_waiting: int = MAX_HEAPED

    def factory(self, options: Options) -> str:
        """What makes the readers."""
        return self.reader_factory or (DEFAULT_FACTORY if options.extract else LINKS_FACTORY)

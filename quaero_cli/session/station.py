"""What the jobs and items that a worker runs have in common."""

from dataclasses import dataclass

from quaero_cli.cluster.ports import Engine
from quaero_cli.cluster.shipper import Shipper
from quaero_cli.session.arrivals import Arrivals
from quaero_cli.session.core import Session
from quaero_cli.session.holding import Holding
from quaero_cli.session.namedlog import NamedLog
from quaero_cli.store.queue import KnownJobs


@dataclass(frozen=True, slots=True)
class Station:
    """A worker's parts, as those see them whose work it does; `node` is its name."""

    session: Session
    engine: Engine
    holding: Holding
    shipper: Shipper
    arrivals: Arrivals
    node: str
    log: NamedLog
    known: KnownJobs

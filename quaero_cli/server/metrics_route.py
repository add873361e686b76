"""`GET /metrics`: figures for Prometheus, made anew at each question, by its own client library.

Nothing is counted while it happens: the store knows it already. So a server that is started anew goes on where it
was, and several servers of one store say the same. Always the text format, whatever a client accepts: every version
of Prometheus reads it. The library is imported at the first question; few servers are ever asked.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli import __version__
from quaero_cli.model import Status
from quaero_cli.server.cluster_metrics import of_cluster
from quaero_cli.server.desk import Desk
from quaero_cli.server.params import read_query
from quaero_cli.server.responses import NO_STORE
from quaero_cli.store.crowd import ClusterView, crowd
from quaero_cli.store.figures import Figures
from quaero_cli.store.reader import Reader

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsRoute:
    """Figures of the store, the streams and the process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/metrics", "metrics", self.metrics, methods=["GET"])

    async def metrics(self) -> Response:
        """Answer with all figures."""
        read_query(request.query_string, {})
        desk = self._desk
        streams = (desk.streams.open, desk.limits.streams)
        path, engine = desk.parts.database, desk.parts.engine

        def read(reader: Reader) -> bytes:
            cluster = None if engine is None else crowd(path, time.time_ns() // 1000, engine)
            return _text(reader.figures(), reader.store_bytes(), *streams, cluster)

        return Response(await desk.in_thread(read), headers=NO_STORE, content_type=CONTENT_TYPE)


def _text(figures: Figures, store_bytes: int, streams: int, streams_limit: int, cluster: ClusterView | None) -> bytes:
    """Return the figures as Prometheus reads them."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class OfStore(Collector):
        def collect(self) -> "Iterable[Metric]":
            yield from _of_store(figures)
            yield from _of_server(store_bytes, streams, streams_limit)
            if cluster is not None and cluster["engine"] is not None:
                yield from of_cluster(cluster, cluster["engine"])

    registry = CollectorRegistry(auto_describe=False)
    registry.register(OfStore())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_store(figures: Figures) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    jobs = GaugeMetricFamily("quaero_jobs", "Jobs in the store.", labels=["status"])
    for status in Status:
        if status is not Status.SKIPPED:  # that is for steps and workers
            jobs.add_metric([status], figures.jobs.get(status, 0))
    yield jobs
    ends = GaugeMetricFamily(
        "quaero_last_end_timestamp_seconds",
        "When the newest job of a definition that ended with a status did.",
        labels=["definition", "status"],
    )
    for definition, how, finished_at in figures.last_ends:
        ends.add_metric([definition, how], finished_at / 1_000_000)
    yield ends
    entries = GaugeMetricFamily("quaero_entries", "Log entries in the store.", labels=["level"])
    for level, count in figures.entries.items():
        entries.add_metric([level], count)
    yield entries
    yield CounterMetricFamily("quaero_entries_stored", "Log entries that were ever stored.", figures.stored)
    yield GaugeMetricFamily("quaero_documents", "Documents in the store.", figures.documents)


def _of_server(store_bytes: int, streams: int, streams_limit: int) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    info = GaugeMetricFamily("quaero_info", "The version of quaero.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    yield GaugeMetricFamily("quaero_store_bytes", "Size of the database and its write-ahead log.", store_bytes)
    yield GaugeMetricFamily("quaero_streams", "Open live streams.", streams)
    yield GaugeMetricFamily("quaero_streams_limit", "Live streams that may be open at once.", streams_limit)

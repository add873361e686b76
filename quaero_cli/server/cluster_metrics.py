"""Figures of a cluster for Prometheus, as this view knows it."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from quaero_cli.model import EngineView
from quaero_cli.store.crowd import ClusterView

if TYPE_CHECKING:
    from prometheus_client import Metric

_STATES = ("ready", "draining", "left", "lost")


def of_cluster(cluster: ClusterView, engine: EngineView) -> "Iterator[Metric]":
    """Give machines by state, queues by what waits and runs in them, outboxes, and how far the view is behind."""
    from prometheus_client.core import GaugeMetricFamily

    workers = GaugeMetricFamily("quaero_cluster_workers", "Worker machines heard of within a day.", labels=["state"])
    states = Counter(worker["state"] for worker in cluster["workers"])
    for state in _STATES:
        workers.add_metric([state], states[state])
    yield workers
    jobs = GaugeMetricFamily("quaero_cluster_jobs", "Jobs of a queue that have not ended.", labels=["queue", "state"])
    for queue in cluster["queues"]:
        jobs.add_metric([queue["name"], "waiting"], queue["waiting"])
        jobs.add_metric([queue["name"], "running"], queue["running"])
    yield jobs
    size = GaugeMetricFamily(
        "quaero_cluster_outbox_bytes",
        "What no view is known to have of a worker, as it last said.",
        labels=["worker"],
    )
    entries = GaugeMetricFamily("quaero_cluster_outbox_entries", "The same, counted.", labels=["worker"])
    for worker in cluster["workers"]:
        size.add_metric([worker["name"]], worker["outbox_bytes"])
        entries.add_metric([worker["name"]], worker["outbox_entries"])
    yield size
    yield entries
    yield GaugeMetricFamily("quaero_cluster_engine_up", "Whether this view reaches the engine.", engine["reachable"])
    yield GaugeMetricFamily(
        "quaero_cluster_behind", "Messages of the engine's log that this view has not read yet.", engine["behind"]
    )

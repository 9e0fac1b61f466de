"""What this process says of itself to a monitoring system, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from portside.inference.shared import shared_models

__all__ = ["CONTENT_TYPE", "SharedModels", "metrics_page"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class SharedModels(Collector):
    """Of each model that requests share: texts asked, texts answered from memory, callers waiting."""

    def collect(self) -> Iterable[Metric]:
        asked = CounterMetricFamily("portside_texts", "Texts asked", labels=["model"])
        repeated = CounterMetricFamily("portside_texts_repeated", "Texts answered from memory", labels=["model"])
        waiting = GaugeMetricFamily("portside_waiting", "Callers waiting or being answered", labels=["model"])
        for one in shared_models():
            repeats = one.repeats
            asked.add_metric([one.name], repeats.hits + repeats.misses)
            repeated.add_metric([one.name], repeats.hits)
            waiting.add_metric([one.name], one.waiting)
        yield from (asked, repeated, waiting)


def metrics_page() -> bytes:
    """The metrics of this moment."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(SharedModels())
    return generate_latest(registry)

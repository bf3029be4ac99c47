from collections import Counter
from threading import Lock

from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from models.errors import SettingsError
from services.database.pool import MEANINGS, PoolFigure
from services.database.session import Database


def measured(database: Database, address: str) -> Runtime:
    """Return a Temporal runtime that serves its metrics and those of the connection pool at an address.

    Raises SettingsError where it cannot listen there.
    """
    try:
        metrics = PrometheusConfig(bind_address=address, durations_as_seconds=True)
        runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics))
    except ValueError as error:
        way_out = "Use an address and a free port of this machine, such as 127.0.0.1:9100."
        raise SettingsError(
            f"OPERATIONRUN_METRICS_ADDRESS: {address} cannot be listened on. {way_out}"
        ) from error
    database.watch_connections(_PoolGauges(runtime.metric_meter).add)
    return runtime


class _PoolGauges:
    """Sums changes, because Temporal's gauges have only `set`."""

    def __init__(self, meter: MetricMeter) -> None:
        self._gauges = {
            figure: meter.create_gauge(f"operationrun_database_connections_{figure}", MEANINGS[figure])
            for figure in PoolFigure
        }
        self._sums = Counter[PoolFigure]()
        self._lock = Lock()

    def add(self, figure: PoolFigure, change: int) -> None:
        with self._lock:
            self._sums[figure] += change
            self._gauges[figure].set(self._sums[figure])

import click
from flask import Flask

from runtime.cli.output import json_option, show
from runtime.settings import Settings
from runtime.telemetry.multiprocess_metrics import shared_metrics
from runtime.telemetry.tracing import trace_process, trace_requests
from runtime.web_server import WebServer, WebServerOptions


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1), default=16, show_default=True, help="Threads per process.")
@json_option
def command(*, host: str, port: int, workers: int, threads: int, as_json: bool) -> None:
    """Run the web server until SIGTERM; it needs the database, Temporal's address and the secret key."""
    settings = Settings.from_environment()
    settings.need_web_database_url()
    settings.need_temporal()
    settings.need_secret_key()
    if as_json:
        show({"host": host, "port": port, "public_url": settings.public_url}, as_json=True)
    options = WebServerOptions(host=host, port=port, workers=workers, threads=threads)
    with shared_metrics():
        WebServer(lambda: _make_app(settings), options).run()


def _make_app(settings: Settings) -> Flask:
    # Imported late: prometheus_client decides at import whether processes share their counts.
    from runtime.container import build_web_app  # noqa: PLC0415

    trace_process("operationrun-web")
    app = build_web_app(settings)
    trace_requests(app)
    return app

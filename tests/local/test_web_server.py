import sys
from pathlib import Path

import pytest
from flask import Flask

from runtime.web_server import WebServer, WebServerOptions


def test_nothing_but_its_options_configures_the_web_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("preload_app = True\nworkers = 9\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--preload --workers 9")
    monkeypatch.setattr(sys, "argv", ["operationrun", "--preload", "--workers", "9"])
    import_path = [*sys.path]
    options = WebServerOptions(host="127.0.0.1", port=1, workers=3)
    configured = WebServer(lambda: Flask("web"), options).cfg
    assert (configured.preload_app, configured.workers) == (False, 3)
    assert sys.path == import_path, "A package in the current folder would replace ours."

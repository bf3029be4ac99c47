from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from models.errors import SettingsError
from reconcilers import restore_execute, review_compose
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from runtime.settings import Settings
from runtime.temporal.client import TemporalConnection
from runtime.temporal.engine import TemporalEngine
from services.connections.access import EnvironmentMirrors
from services.connections.secrets import SecretCipher
from services.database.session import Database
from services.engine.cache import EngineCache
from services.engine.port import Engine
from services.reports.packs.signing import PackSigner
from services.repositories.mirror import MirrorStore
from services.repositories.slots import FairWaits
from services.repositories.transport import DEFAULT_LIMITS, GitLimits
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.new_run import Dispatch
from web.app import create_app
from web.context import Services, scope_of_request
from web.openid import OpenIdProvider
from web.rate_limits import Buckets, Limit, RequestLimits

# Imported so that they register themselves; no other list of adapters exists.
ADAPTERS = (restore_execute, review_compose)


# A check waits less long for a repository than an operation does, because people wait for a check.
CHECK_LIMITS = replace(DEFAULT_LIMITS, fetch_timeout=timedelta(seconds=10))


def build_mirrors(
    settings: Settings, *, limits: GitLimits = DEFAULT_LIMITS, waits: FairWaits | None = None
) -> EnvironmentMirrors:
    """Compose a process's mirrors of repositories, kept under its data directory."""
    store = MirrorStore(
        settings.data_dir / "mirrors",
        allowed_file_roots=settings.allowed_file_roots,
        allowed_private_hosts=settings.allowed_private_hosts,
        limits=limits,
        waits=waits,
    )
    return EnvironmentMirrors(store, SecretCipher(settings.encryption_key))


def build_run_check(
    database: Database, engine: Engine, settings: Settings, *, fences: bool = False
) -> RunCheck:
    """Compose the check of one run: for the worker's sweep, the web's "check now" and the command line.

    Only a worker `fences`; the others leave that to it.
    """
    reconciler = AdapterRunReconciler(database, build_mirrors(settings, limits=CHECK_LIMITS), fences=fences)
    dispatcher = Dispatcher(database, engine, public_url=settings.public_url)
    return RunCheck(database, engine, reconciler, dispatcher)


def build_services(settings: Settings, database: Database | None = None) -> Services:
    """Compose what the web and the command line work with; nothing is connected before it is used.

    `database` None: the whole one, by the login that owns the tables.
    """
    temporal = TemporalConnection(settings.need_temporal())
    engine = TemporalEngine(temporal)
    database = database or Database.connect(settings.need_database_url())
    return Services(
        database=database,
        dispatcher=Dispatcher(database, engine, public_url=settings.public_url),
        engine=engine,
        engine_cache=EngineCache(engine),
        check=build_run_check(database, engine, settings),
        cancellations=Cancellations(database, engine),
        mirrors=build_mirrors(settings),
        target=Dispatch(queue=settings.task_queue, connection=settings.temporal_namespace),
        allowed_file_roots=settings.allowed_file_roots,
        public_url=settings.public_url,
        temporal_ui_url=settings.temporal_ui_url,
        request_limits=_build_limits(settings),
        session_limits=settings.session_limits,
        openid=_build_openid(settings),
        pack_signer=_build_signer(settings),
    )


def build_web_app(settings: Settings) -> Flask:
    """Compose the web process; raise SettingsError for a setting that it needs and lacks."""
    secret_key = settings.need_secret_key()
    database = Database.connect(settings.need_web_database_url()).narrowed(scope_of_request)
    services = build_services(settings, database)
    app = create_app(services, secret_key=secret_key)
    if settings.trusted_proxies:
        # Each proxy appends its client's address; only those of our own proxies can be trusted.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign] # Flask's documented way
    return app


def _build_signer(settings: Settings) -> PackSigner | None:
    try:
        return PackSigner.from_pem(settings.signing_key) if settings.signing_key else None
    except ValueError as error:
        raise SettingsError(f"OPERATIONRUN_SIGNING_KEY {error}.") from None


def _build_openid(settings: Settings) -> OpenIdProvider | None:
    given = (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)
    if not any(given):
        return None
    if not all(given):
        raise SettingsError(
            "OPERATIONRUN_OIDC_ISSUER, OPERATIONRUN_OIDC_CLIENT_ID and OPERATIONRUN_OIDC_CLIENT_SECRET go "
            "together: set all three, or none."
        )
    issuer, client_id, client_secret = (each or "" for each in given)
    return OpenIdProvider(
        issuer=issuer, client_id=client_id, client_secret=client_secret, label=settings.oidc_label
    )


def _build_limits(settings: Settings) -> RequestLimits:
    tokens = Limit(per_minute=settings.token_requests_per_minute, burst=settings.token_requests_at_once)
    refusals = Limit(per_minute=settings.address_refusals_per_minute, burst=settings.address_refusals_at_once)
    return RequestLimits(tokens=Buckets(tokens), addresses=Buckets(refusals))


@contextmanager
def cli_context(settings: Settings) -> Iterator[Services]:
    """Lend the services to a command, and disconnect from the database behind it."""
    composed = build_services(settings)
    try:
        yield composed
    finally:
        composed.database.close()

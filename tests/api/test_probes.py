import dataclasses
import socket

import psycopg
from structlog.testing import capture_logs

from services.database.session import Database
from tests.world import World
from web.app import create_app


def test_it_answers_the_probes(api_world: World) -> None:
    client = api_world.api.app.test_client()
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_it_is_not_ready_on_a_database_of_an_earlier_version(api_world: World, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    response = api_world.api.app.test_client().get("/readyz")
    assert (response.status_code, response.get_json()["code"]) == (503, "not_migrated")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert api_world.api.app.test_client().get("/readyz").status_code == 503


def test_it_stays_ready_while_a_later_version_takes_over(api_world: World, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert api_world.api.app.test_client().get("/readyz").get_json() == {"status": "ready"}


def test_it_says_so_where_the_database_is_out_of_reach(api_world: World) -> None:
    with socket.socket() as taken:
        # Bound and not listening: a connection is refused at once.
        taken.bind(("127.0.0.1", 0))
        database = Database.connect(f"postgresql://nobody@127.0.0.1:{taken.getsockname()[1]}/nothing")
        app = create_app(dataclasses.replace(api_world.services, database=database), secret_key="k")
        client = app.test_client()
        assert client.get("/healthz").status_code == 200
        with capture_logs() as told:
            answers = [
                client.get("/readyz"),
                client.get("/api/v1/operations", headers={"Authorization": "Bearer opr_x"}),
            ]
        paths = ("/readyz", "/api/v1/operations")
        assert told == [
            {"event": "database_unavailable", "log_level": "warning", "path": path} for path in paths
        ]
        for response in answers:
            assert (response.status_code, response.mimetype) == (503, "application/problem+json")
            assert response.get_json()["code"] == "database_unavailable"
            assert b"127.0.0.1" not in response.data
        database.close()

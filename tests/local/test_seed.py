from pathlib import Path

import pytest
from flask import request
from sqlalchemy import select

from models.access import Member, Role, Workspace
from models.environment import Environment
from models.errors import SettingsError, Unauthenticated
from runtime.container import build_services, build_web_app
from runtime.local.seed import seed
from runtime.settings import Settings
from services.access.sign_in_links import redeem_sign_in_link
from services.access.tokens import principal_of_token
from services.database.session import Database
from tests.factories import STRONG_KEY
from web.context import EXTENSION


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        temporal_address="127.0.0.1:1",
        secret_key=STRONG_KEY,
        data_dir=tmp_path / "data",
        allowed_file_roots=(tmp_path / "data" / "sample",),
        public_url="http://runs.example",
    )


def test_it_lets_the_owner_into_the_default_workspace(settings: Settings, database: Database) -> None:
    entry = seed(settings, sample=False)
    secret = entry.sign_in_url.removeprefix("http://runs.example/sign-in/")
    with database.transaction() as session:
        workspace = session.scalars(select(Workspace)).one()
        assert (workspace.slug, workspace.name) == ("default", "Default workspace")
        assert principal_of_token(session, entry.api_token).roles == {workspace.id: Role.OWNER}
        assert redeem_sign_in_link(session, secret).email == "owner@localhost"
        assert session.scalars(select(Environment)).all() == []


def test_it_is_safe_to_repeat_and_revokes_the_token_before(settings: Settings, database: Database) -> None:
    first, second = seed(settings, sample=True), seed(settings, sample=True)
    with database.transaction() as session:
        assert len(session.scalars(select(Workspace)).all()) == 1
        assert len(session.scalars(select(Member)).all()) == 1
        assert [each.slug for each in session.scalars(select(Environment))] == ["sample"]
        principal_of_token(session, second.api_token)
        with pytest.raises(Unauthenticated):
            principal_of_token(session, first.api_token)


def test_the_sample_can_be_restored_from_its_baseline_over_the_api(settings: Settings) -> None:
    token = seed(settings, sample=True).api_token
    app = build_web_app(settings)
    client = app.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    sample = client.get("/api/v1/environments", headers=bearer).get_json()["items"][0]
    assert (sample["slug"], sample["branch"], sample["baseline_ref"]) == ("sample", "main", "baseline-2026")
    path = f"/api/v1/environments/{sample['id']}"
    body = {"label": "Baseline", "ref": sample["baseline_ref"]}
    point = client.post(f"{path}/restore-points", json=body, headers=bearer)
    assert point.status_code == 201
    plan = client.post(
        f"{path}/restore-plans",
        json={"restore_point_id": point.get_json()["id"], "mode": "overlay"},
        headers=bearer,
    )
    assert plan.status_code == 201
    assert {change["change"] for change in plan.get_json()["changes"]} > {"create", "update"}
    app.extensions[EXTENSION].database.close()


def test_an_identity_provider_is_configured_whole_or_not_at_all(settings: Settings) -> None:
    assert build_services(settings).openid is None
    given = {"oidc_issuer": "https://login.example.org", "oidc_client_id": "x"}
    with pytest.raises(SettingsError, match="all three, or none"):
        build_services(settings.model_copy(update=given))
    provider = build_services(settings.model_copy(update=given | {"oidc_client_secret": "y"})).openid
    assert provider is not None
    assert (provider.label, "y" in repr(provider)) == ("single sign-on", False)


def test_people_come_from_where_our_own_proxies_say(settings: Settings) -> None:
    def seen(proxies: int) -> str | None:
        app = build_web_app(settings.model_copy(update={"trusted_proxies": proxies}))
        addresses: list[str | None] = []

        def tell() -> str:
            addresses.append(request.remote_addr)
            return ""

        app.add_url_rule("/static/address", view_func=tell)
        app.test_client().get("/static/address", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"})
        app.extensions[EXTENSION].database.close()
        return addresses[0]

    assert [seen(proxies) for proxies in (0, 1, 2)] == ["127.0.0.1", "192.0.2.2", "192.0.2.1"]


def test_it_names_the_setting_that_is_missing(settings: Settings) -> None:
    for name in ("database_url", "temporal_address"):
        with pytest.raises(SettingsError, match=name.upper()):
            build_services(settings.model_copy(update={name: None}))
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        build_web_app(settings.model_copy(update={"secret_key": None}))

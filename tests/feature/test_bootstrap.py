from pathlib import Path

import pytest
from sqlalchemy import select

from models.access import Member, Role, Workspace
from models.environment import Environment
from models.errors import SettingsError, Unauthenticated
from runtime.bootstrap import bootstrap
from runtime.container import build_services, build_web_app
from runtime.settings import Settings
from services.access import principal_of_token, redeem_sign_in_link
from services.database import Database
from web.services import EXTENSION


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        temporal_address="127.0.0.1:1",
        secret_key="a key for tests",
        data_dir=tmp_path / "data",
        allowed_file_roots=(tmp_path / "data" / "sample",),
        public_url="http://runs.example",
    )


def test_it_lets_the_owner_into_the_default_workspace(settings: Settings, database: Database) -> None:
    entry = bootstrap(settings, sample=False)
    secret = entry.sign_in_url.removeprefix("http://runs.example/sign-in/")
    with database.transaction() as session:
        workspace = session.scalars(select(Workspace)).one()
        assert (workspace.slug, workspace.name) == ("default", "Default workspace")
        assert principal_of_token(session, entry.api_token).roles == {workspace.id: Role.OWNER}
        assert redeem_sign_in_link(session, secret).email == "owner@localhost"
        assert session.scalars(select(Environment)).all() == []


def test_it_is_safe_to_repeat_and_revokes_the_token_before(settings: Settings, database: Database) -> None:
    first, second = bootstrap(settings, sample=True), bootstrap(settings, sample=True)
    with database.transaction() as session:
        assert len(session.scalars(select(Workspace)).all()) == 1
        assert len(session.scalars(select(Member)).all()) == 1
        assert [each.slug for each in session.scalars(select(Environment))] == ["sample"]
        principal_of_token(session, second.api_token)
        with pytest.raises(Unauthenticated):
            principal_of_token(session, first.api_token)


def test_the_sample_can_be_restored_from_its_baseline_over_the_api(settings: Settings) -> None:
    token = bootstrap(settings, sample=True).api_token
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


def test_it_names_the_setting_that_is_missing(settings: Settings) -> None:
    for name in ("database_url", "temporal_address"):
        with pytest.raises(SettingsError, match=name.upper()):
            build_services(settings.model_copy(update={name: None}))
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        build_web_app(settings.model_copy(update={"secret_key": None}))

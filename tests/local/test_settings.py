import base64
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import SettingsError
from runtime.secret_key import weakness_of
from runtime.settings import Settings
from tests.factories import STRONG_KEY


def test_it_reads_every_variable() -> None:
    settings = Settings.from_environment(
        {
            "OPERATIONRUN_DATABASE_URL": "postgresql://ada@db/operationrun",
            "OPERATIONRUN_ALLOWED_FILE_ROOTS": "/srv/git:/home/ada/git",
            "OPERATIONRUN_ALLOWED_PRIVATE_HOSTS": "git.intern, 10.20.0.0/16,::1",
            "OPERATIONRUN_PUBLIC_URL": "https://operations.example/",
            "UNRELATED": "1",
        }
    )
    assert settings.need_database_url() == "postgresql://ada@db/operationrun"
    assert settings.allowed_file_roots == (Path("/srv/git"), Path("/home/ada/git"))
    assert settings.allowed_private_hosts == ("git.intern", "10.20.0.0/16", "::1")
    assert settings.public_url == "https://operations.example"
    assert settings.temporal_namespace == "default"


@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        ("https://login.example.org/", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000", True),
        ("http://login.example.org", False),
        ("http://localhost.example.org", False),
        ("login.example.org", False),
    ],
)
def test_the_identity_provider_is_asked_over_https(issuer: str, is_taken: bool) -> None:  # noqa: FBT001 # a case
    variable = {"OPERATIONRUN_OIDC_ISSUER": issuer}
    if is_taken:
        assert Settings.from_environment(variable).oidc_issuer == issuer
        return
    with pytest.raises(SettingsError, match="OIDC_ISSUER: is not an https address"):
        Settings.from_environment(variable)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{STRONG_KEY}\n")
    variable = {"OPERATIONRUN_SECRET_KEY_FILE": str(tmp_path / "key")}
    assert Settings.from_environment(variable).need_secret_key() == STRONG_KEY


def test_the_variable_itself_comes_before_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file")
    variables = {"OPERATIONRUN_SECRET_KEY_FILE": str(tmp_path / "key"), "OPERATIONRUN_SECRET_KEY": "given"}
    assert Settings.from_environment(variables).secret_key == "given"


@pytest.mark.parametrize("entry", ["10.20.0.1/16", "https://git.intern", "git.intern:443", "*", "127.1"])
def test_a_private_host_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"ALLOWED_PRIVATE_HOSTS: \S+ is not a host name") as refused:
        Settings.from_environment({"OPERATIONRUN_ALLOWED_PRIVATE_HOSTS": f"git.intern,{entry}"})
    assert entry in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="OPERATIONRUN_SECRET_KEY_FILE: No such file"):
        Settings.from_environment({"OPERATIONRUN_SECRET_KEY_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize("need", ["need_database_url", "need_temporal", "need_secret_key"])
def test_what_is_missing_is_named_with_an_example(need: str) -> None:
    with pytest.raises(SettingsError, match=r"OPERATIONRUN_\w+ is not set\. Set it, for example"):
        getattr(Settings.from_environment({}), need)()


def test_settings_survive_the_way_through_an_environment() -> None:
    settings = Settings(
        database_url="postgresql://ada@db/operationrun",
        secret_key="key",
        data_dir=Path("/var/lib/operationrun"),
        allowed_file_roots=(Path("/srv/git"), Path("/var/lib/operationrun/sample")),
        allowed_private_hosts=("git.intern", "fd00::/8"),
        temporal_address="127.0.0.1:7233",
    )
    environment = settings.as_environment()
    assert "OPERATIONRUN_TEMPORAL_UI_URL" not in environment
    assert Settings.from_environment(environment) == settings


@pytest.mark.parametrize(
    "weak",
    [
        "changeme",
        "x" * 64,
        "0123456789" * 4,
        "abcdefghijklmnopqrstuvwxyz012345",
        f"Change-Me-{STRONG_KEY}",
        "a-very-Secret-key-of-our-own-team",
        STRONG_KEY[:31],
        STRONG_KEY[:16] * 2,
    ],
)
def test_a_key_that_can_be_guessed_is_refused_with_the_way_to_a_good_one(weak: str) -> None:
    settings = Settings.from_environment({"OPERATIONRUN_SECRET_KEY": weak})
    with pytest.raises(SettingsError, match=r"OPERATIONRUN_SECRET_KEY .+ Make a random one: ") as refused:
        settings.need_secret_key()
    assert weak not in str(refused.value)


@given(st.binary(min_size=32, max_size=32))
def test_a_random_key_is_taken(random: bytes) -> None:
    """What the compose file's comment, the refusal's own command, and `openssl rand` make."""
    assume(len(set(random)) > 20)
    written = random.hex(), base64.urlsafe_b64encode(random).decode()
    assert [weakness_of(each) for each in written] == [None, None]

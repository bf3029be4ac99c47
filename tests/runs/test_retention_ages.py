from datetime import timedelta

import pytest

from models.errors import SettingsError
from models.lifecycle import FINAL_OUTCOMES, Outcome
from models.retention import Retention
from runtime.settings import Settings


def test_what_went_as_asked_is_kept_for_90_days_and_the_rest_for_400() -> None:
    kept = Retention().keep
    assert set(kept) == FINAL_OUTCOMES
    assert {outcome for outcome, period in kept.items() if period == timedelta(days=90)} == {
        Outcome.SUCCEEDED,
        Outcome.CANCELLED,
    }
    assert set(kept.values()) == {timedelta(days=90), timedelta(days=400)}


def test_an_outcome_that_is_not_named_keeps_what_it_has() -> None:
    changed = Retention().changed("succeeded=30d, failed=forever").changed("succeeded=31d")
    assert changed.keep == {
        **Retention().keep,
        Outcome.SUCCEEDED: timedelta(days=31),
        Outcome.FAILED: None,
    }
    assert Retention().changed(str(changed)) == changed


@pytest.mark.parametrize(
    "written",
    [
        " ",
        "succeeded",
        "succeeded=",
        "succeeded=0d",
        "succeeded=-1d",
        "succeeded=90",
        "succeeded=1٣d",
        "succeeded=100000d",
        "success=90d",
        "pending=90d",
        "succeeded=90d,",
        "succeeded=90d;failed=1d",
    ],
)
def test_anything_else_is_refused_by_name(written: str) -> None:
    with pytest.raises(SettingsError, match=r"^OPERATIONRUN_KEEP_RUNS: has '.*such as succeeded=90d"):
        Settings.from_environment({"OPERATIONRUN_KEEP_RUNS": written})


def test_the_setting_survives_the_way_through_an_environment() -> None:
    settings = Settings.from_environment({"OPERATIONRUN_KEEP_RUNS": "blocked=14d,cancelled=forever"})
    assert settings.keep_runs.keep[Outcome.BLOCKED] == timedelta(days=14)
    assert Settings.from_environment(settings.as_environment()) == settings

import pytest

from services.masking.messages import redact


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://person:hunter2hunter2hunter2@git.example.org/x/'",
        "fatal: https://hunter2hunter2hunter2@git.example.org/x: 403",
        "remote: Authorization: Basic hunter2hunter2hunter2",
        "remote: use password=hunter2hunter2hunter2",
        "remote: https://git.example.org/reset?key=hunter2hunter2hunter2",
        "remote: your token ghp_hunter2hunter2hunter2 has expired",
        "remote: your token glpat-hunter2hunter2hunter2 has expired",
    ],
)
def test_it_takes_credentials_out_of_what_git_says(said: str) -> None:
    assert "hunter2" not in redact(said)
    assert "***" in redact(said)


def test_it_keeps_what_helps() -> None:
    said = "fatal: repository 'https://git.example.org/team/settings.git/' not found"
    assert redact(said) == said


def test_it_keeps_the_end_of_a_long_answer_and_no_control_characters() -> None:
    answer = redact("noise\n" * 10_000 + "\x1b[31mfatal:\x1b[0m\x07 the end")
    assert answer.endswith("fatal: the end")
    assert len(answer) < 1100

from tools.audit import report

SOUND = {"name": "flask", "version": "3.1.2", "vulns": []}
HURT = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"]}]}
UNKNOWN = {"name": "typst", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def test_a_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    assert report([SOUND, HURT]) == [
        "jinja2 3.1.0: PYSEC-1, mended in 3.1.6. Raise it, then `make lock`.",
        "Packages audited: 2. Vulnerabilities known: 1.",
    ]


def test_what_could_not_be_looked_up_does_not_read_as_a_pass() -> None:
    lines = report([UNKNOWN])

    assert lines[0].startswith("NOT AUDITED: 1 of 1 packages")
    assert lines[-1] == "Packages audited: 0. Vulnerabilities known: 0."

"""Typeset one document in a process of its own, and write the PDF to standard output.

The compiler caches what it laid out, hundreds of megabytes; here the process frees that, and contains any
crash. Run by pdf.py, as a file.
"""

import sys
from pathlib import Path

import typst


def main() -> None:
    """Read the report as JSON from standard input and lay it out by templates/report.typ."""
    made = typst.compile(
        Path(__file__).with_name("templates").joinpath("report.typ").read_bytes(),
        sys_inputs={"report": sys.stdin.buffer.read().decode()},
        font_paths=typst.Fonts(include_system_fonts=False),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["ua-1"],
        timestamp=0,
    )
    assert isinstance(made, bytes)  # noqa: S101 - for the type checker; one PDF is one file
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()

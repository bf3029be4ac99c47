import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was done, how long it took, and whether it went well."""

    area: str
    what: str
    seconds: float
    went_well: bool


class Steps:
    """Keeps what the lane did, for a person to read; no test fails of a figure."""

    def __init__(self, **notes: str) -> None:
        self._notes = notes
        self._all: list[Step] = []
        self._began = time.monotonic()

    @contextmanager
    def step(self, area: str, what: str) -> Iterator[None]:
        """Time what happens in the block."""
        began, went_well = time.monotonic(), False
        try:
            yield
            went_well = True
        finally:
            seconds = round(time.monotonic() - began, 2)
            self._all.append(Step(area=area, what=what, seconds=seconds, went_well=went_well))

    def table(self) -> str:
        """Return the steps as a table of text."""
        wide = max((len(step.area) for step in self._all), default=0)
        lines = [
            f"{step.seconds:7.2f} s  {step.area:{wide}}  {step.what}{'' if step.went_well else '  FAILED'}"
            for step in self._all
        ]
        return "\n".join(["", *lines, f"{time.monotonic() - self._began:7.2f} s  in all"])

    def write(self, path: Path, *, went_well: bool) -> None:
        """Write the steps as JSON, and whether every test passed."""
        path.parent.mkdir(exist_ok=True)
        report = {
            **self._notes,
            "seconds": round(time.monotonic() - self._began, 2),
            "went_well": went_well,
            "steps": [asdict(step) for step in self._all],
        }
        path.write_text(json.dumps(report, indent=2) + "\n")

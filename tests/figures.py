"""What a lane counts, for the summary at its end: added up over the processes that ran it."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest

_HANDED_OVER = "figures"


class Figures:
    """Counts and notices by section of the summary."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.left_out: dict[str, str] = {}

    def of(self, section: str) -> Counter[str]:
        """Return the counts of a section, to count on."""
        return self.counts[section]

    def add(self, counts: Mapping[str, Mapping[str, int]], left_out: Mapping[str, str]) -> None:
        """Add what another process counted."""
        for section, found in counts.items():
            self.counts[section].update(found)
        self.left_out.update(left_out)

    def write(self, terminal: pytest.TerminalReporter) -> None:
        """Write a line for each section, loudest what was left out."""
        for section, reason in self.left_out.items():
            terminal.section(section, red=True)
            terminal.line(reason)
        for section, counts in self.counts.items():
            terminal.section(section)
            terminal.line(", ".join(f"{number} {name}" for name, number in sorted(counts.items())))


class FiguresPlugin:
    """Carries figures from xdist's workers to the process that writes the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self.figures = Figures()
        self._handed_over: dict[str, object] | None = getattr(config, "workeroutput", None)

    def pytest_sessionfinish(self) -> None:
        if self._handed_over is not None:
            counts = {section: dict(found) for section, found in self.figures.counts.items()}
            self._handed_over[_HANDED_OVER] = [counts, self.figures.left_out]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        # A worker that crashed hands nothing over.
        output = getattr(node, "workeroutput", {})
        if _HANDED_OVER in output:
            self.figures.add(*output[_HANDED_OVER])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.figures.write(terminalreporter)


def figures_of(config: pytest.Config) -> Figures:
    """Return the figures of this process."""
    plugin = config.pluginmanager.get_plugin(FiguresPlugin.__name__)
    assert isinstance(plugin, FiguresPlugin)
    return plugin.figures

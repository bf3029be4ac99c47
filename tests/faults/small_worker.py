"""A worker that two activities fill."""

from runtime import worker
from runtime.process.exit import run_and_exit
from runtime.settings import Settings

ACTIVITIES = 2

if __name__ == "__main__":
    worker.ACTIVITY_THREADS = ACTIVITIES
    run_and_exit(lambda: worker.run_worker(Settings.from_environment()))

"""Download Temporal's CLI with Temporal's SDK: `python -m runtime.local.temporal_download FOLDER VERSION`.

The SDK downloads only a server that it then starts; this stops the server and keeps the program. It is a
separate process because the download has no time limit.
"""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment

from runtime.process.exit import run_and_exit


async def download(folder: str, version: str) -> int:
    """Download one version into a folder; return the exit code."""
    try:
        server = await WorkflowEnvironment.start_local(
            download_dest_dir=folder, dev_server_download_version=version
        )
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    await server.shutdown()
    return 0


if __name__ == "__main__":
    run_and_exit(lambda: asyncio.run(download(*sys.argv[1:3])))

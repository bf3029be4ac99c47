import asyncio


def stop_if_cancelled() -> None:
    """Stop between two steps where a cancellation, or the deadline, came too late to stop the first.

    An activity that succeeds all the same uses up the one CancelledError; without this the next step would
    run to its end. Raises CancelledError.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

import asyncio


def stop_if_cancelled() -> None:
    """Stop between two steps where a cancellation, or the deadline, came too late for the first to heed it.

    An activity that ends well in spite of it uses the one CancelledError up; without this the next step
    would run to its end. Raises CancelledError.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

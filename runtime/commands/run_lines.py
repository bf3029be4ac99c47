from web.api.schemas import QueuedRunAnswer, RunAnswer


def lines_of(run: RunAnswer) -> dict[str, object]:
    """Return what a person reads of one run."""
    return {
        "run": run.id,
        "type": run.type,
        "status": run.status,
        "outcome": run.outcome,
        "what happened": run.message.title,
        "what it means": run.message.body,
        "what to do": run.message.next,
        **({"why it waits": run.waiting.sentence} if isinstance(run, QueuedRunAnswer) else {}),
        **_cancellation(run),
        "asked for by": run.initiator_name,
        "created": run.created_at,
        "completed": run.completed_at,
        "led to": f"{run.links.related.type} {run.links.related.id}" if run.links.related else None,
        "page": run.links.html,
        "temporal": run.links.temporal,
    }


def _cancellation(run: RunAnswer) -> dict[str, object]:
    asked = run.context.get("cancellation")
    if asked is None:
        return {}
    beyond = asked["point_of_no_return"]
    return {
        "cancellation": f"asked for by {asked['requested_by']} at {asked['requested_at']}",
        "delivered": asked["delivered_at"] or "not yet",
        "stopped": asked["acknowledged_at"] or "not yet",
        **({"cannot undo": f"commit {beyond[:7]}, already pushed or being pushed"} if beyond else {}),
    }


def row_of(run: RunAnswer) -> dict[str, object]:
    """Return one run's line in a list."""
    return {
        "run": run.id,
        "created": f"{run.created_at:%Y-%m-%d %H:%M:%S}",
        "type": run.type,
        "status": run.status,
        "outcome": run.outcome,
        "what happened": run.message.title,
    }

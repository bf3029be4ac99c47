from models.contracts import CanonicalId, Contract


class RestoreExecuteInput(Contract):
    """The input of `restore.execute`."""

    workspace_id: CanonicalId
    environment_id: CanonicalId
    restore_plan_id: CanonicalId

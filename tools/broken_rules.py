"""The rules that are broken one at a time, each with the test that holds it; tools/mutants.py breaks them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of behaviour: `text`, which stands once in `file`, becomes `mutation`, and `test` fails."""

    name: str
    file: str
    text: str
    mutation: str
    test: str

    def stands_in(self, tree: Path) -> bool:
        """Return whether the text stands in its file, once."""
        path = tree / self.file
        return path.exists() and path.read_text().count(self.text) == 1


_FOREIGN_TEST = "tests/reconcilers/test_foreign_workflows.py"
_COMPOSE = "reconcilers/review_compose_decision.py"
_COMPOSE_TEST = "tests/reconcilers/test_review_compose_decision.py"
_PROOF_TEST = "tests/runs/test_proof.py"
_READ_TEST = "tests/reconcilers/test_adapters_read.py"
_WRITES_TEST = "tests/reconcilers/test_reconciliation_writes.py"
_ROLE_TEST = "tests/database/test_role_settings.py"
_RELATED = "services/runs/links.py"
_RELATED_TEST = "tests/runs/viewer/test_related.py::test_the_reconciliation_speaks_where_there_is_one"
_PUSHING = "services/restores/pushing.py"
_ANSWER = "services/repositories/push_answer.py"
_FENCE_TEST = "tests/remotes/test_fence.py"
_ODD_TEST = "tests/remotes/test_odd_remotes.py"
_CONNECTION_TEST = "tests/connections/test_connections.py"

MUTANTS = (
    Mutant(
        name="a tree's entries are compared uncounted",
        file="services/repositories/tree_sizes.py",
        text="    if size.entries > MAX_ENTRIES:",
        mutation="    if size.entries > MAX_ENTRIES**3:",
        test="tests/repositories/test_hostile_trees.py::test_a_hostile_tree_is_refused_by_its_limit",
    ),
    Mutant(
        name="an exact restore writes the tree of its point whatever it names",
        file="services/restores/progress.py",
        text="tree is None or size_of_tree(repository, tree).may_be_dangerous",
        mutation="tree is None",
        test="tests/restores/test_dangerous_items.py"
        "::test_an_exact_restore_writes_no_empty_folder_of_such_a_name",
    ),
    Mutant(
        name="a spelling of .git by signs of no width is harmless",
        file="services/repositories/paths.py",
        text='if name in {b"", b"."} or _is_git_folder_of_hfs(name):',
        mutation='if name in {b"", b"."}:',
        test="tests/repositories/test_dangerous_paths.py::test_a_path_is_dangerous_where_git_refuses_it",
    ),
    Mutant(
        name="the cover of a repository is not checked at its use",
        file="services/connections/access.py",
        text="if not covers(connection, repository_url):",
        mutation="if False:",
        test=f"{_CONNECTION_TEST}::test_the_cover_is_checked_at_every_use",
    ),
    Mutant(
        name="an environment is registered without a connection that covers it",
        file="services/workspaces/environments.py",
        text="found = choose(list_connections(self._session, workspaces=[workspace_id]), repository_url)",
        mutation="found = next(iter(list_connections(self._session, workspaces=[workspace_id])), None)",
        test=f"{_CONNECTION_TEST}::test_the_repository_of_another_workspace_is_out_of_reach",
    ),
    Mutant(
        name="a prefix ends in the middle of a path segment",
        file="services/connections/repository_urls.py",
        text="return self.path[:depth] == prefix.path and not (",
        mutation="return '/'.join(self.path).startswith('/'.join(prefix.path)) and not (",
        test="tests/connections/test_matching.py::test_a_connection_covers_nothing_else",
    ),
    Mutant(
        name="a secret follows its connection to another host",
        file="services/connections/connections.py",
        text='if "secret" not in given and _hosts_of(after) - _hosts_of(before):',
        mutation="if False:",
        test=f"{_CONNECTION_TEST}::test_a_secret_follows_to_no_other_host",
    ),
    Mutant(
        name="a review superseded before the run matches",
        file=_COMPOSE,
        text=" and (left_at is None or left_at > run.created_at)",
        mutation="",
        test=f"{_COMPOSE_TEST}::test_a_review_superseded_before_the_run_was_created_does_not_match",
    ),
    Mutant(
        name="a review superseded as the run was created matches",
        file=_COMPOSE,
        text="left_at > run.created_at",
        mutation="left_at >= run.created_at",
        test=f"{_COMPOSE_TEST}::test_a_review_superseded_before_the_run_was_created_does_not_match",
    ),
    Mutant(
        name="every match is taken as in scope",
        file=_COMPOSE,
        text="if (review.workspace_id, review.environment_id) != (run.workspace_id, run.environment_id):",
        mutation="if False:",
        test=f"{_COMPOSE_TEST}::test_a_match_out_of_scope_asks_for_attention_and_shows_nothing",
    ),
    Mutant(
        name="another environment of the workspace is in scope",
        file=_COMPOSE,
        text="if (review.workspace_id, review.environment_id) != (run.workspace_id, run.environment_id):",
        mutation="if review.workspace_id != run.workspace_id:",
        test=f"{_COMPOSE_TEST}::test_a_match_out_of_scope_asks_for_attention_and_shows_nothing",
    ),
    Mutant(
        name="the live end is the next review",
        file=_COMPOSE,
        text="        review = following\n",
        mutation="        return following.id\n",
        test=f"{_COMPOSE_TEST}::test_a_match_superseded_meanwhile_blocks_and_leads_to_the_live_end_of_its_chain",
    ),
    Mutant(
        name="the live end is the match itself",
        file=_COMPOSE,
        text="ReasonCode.REVIEW_SUPERSEDED, match.live_end_id",
        mutation="ReasonCode.REVIEW_SUPERSEDED, match.review_id",
        test=f"{_COMPOSE_TEST}::test_a_match_superseded_meanwhile_blocks_and_leads_to_the_live_end_of_its_chain",
    ),
    Mutant(
        name="a chain may leave its environment",
        file=_COMPOSE,
        text=" or following.environment_id != review.environment_id",
        mutation="",
        test=f"{_COMPOSE_TEST}::test_a_broken_lineage_asks_for_attention",
    ),
    Mutant(
        name="a run's own review comes behind what is out of scope",
        file=_COMPOSE,
        text="            if match.own:\n",
        mutation="            if match.own and all(each.in_scope for each in matches):\n",
        test=f"{_COMPOSE_TEST}::test_a_review_of_ones_own_is_success_whatever_became_of_it",
    ),
    Mutant(
        name="an adapter reads no chain",
        file="migrations/versions/0015_web_login.py",
        text="JOIN chain ON r.id = chain.superseded_by_id",
        mutation="JOIN chain ON false",
        test=f"{_READ_TEST}::test_a_review_that_was_superseded",
    ),
    Mutant(
        name="the reconciler records no restore result",
        file="reconcilers/reconciler.py",
        text="            adapter.record(session, run, facts, decision)\n",
        mutation="",
        test=f"{_READ_TEST}::test_what_the_branch_proves_of_a_restore_is_recorded_with_the_decision",
    ),
    Mutant(
        name="the adapter records no restore result",
        file="reconcilers/restore_execute.py",
        text="            record_result(session, run, _planned(session, run), commit)\n",
        mutation="            pass\n",
        test=f"{_READ_TEST}::test_what_the_branch_proves_of_a_restore_is_recorded_with_the_decision",
    ),
    Mutant(
        name="an unreachable repository is never overdue",
        file="reconcilers/restore_execute_decision.py",
        text="self.looked_at - self.failed_at > UNREACHABLE_LIMIT",
        mutation="False",
        test="tests/reconcilers/test_restore_execute_decision.py::test_the_first_row_that_holds_decides",
    ),
    Mutant(
        name="the sweep adopts nothing",
        file="reconcilers/sweep.py",
        text="        for run_id in orphans:\n",
        mutation="        for run_id in ():\n",
        test="tests/reconcilers/test_sweep.py::test_an_open_workflow_without_a_run_is_adopted",
    ),
    Mutant(
        name="start() ignores the workspace",
        file="services/runs/inputs.py",
        text='        "workspace_id": operation_input.workspace_id,\n',
        mutation="",
        test="tests/runs/test_start.py::test_a_workflow_whose_input_is_other_work_does_not_start_it",
    ),
    Mutant(
        name="any execution acts for a completed run",
        file="services/runs/proof.py",
        text="run.status != Status.COMPLETED or worked",
        mutation="True",
        test=f"{_PROOF_TEST}::test_only_the_execution_that_worked_may_act_for_a_completed_run",
    ),
    Mutant(
        name="other work acts for an active run",
        file="services/runs/proof.py",
        text="is_open and is_run_of(run, correlation, operation_input)",
        mutation="is_open",
        test=f"{_PROOF_TEST}::test_no_execution_of_other_work_may_act",
    ),
    Mutant(
        name="a foreign workflow is taken as the run's own",
        file="services/runs/own_workflow.py",
        text="return is_run_of(run, *work_of(workflow_id, first))",
        mutation="return True",
        test=f"{_FOREIGN_TEST}::test_a_queued_run_waits_while_a_foreign_workflow_has_its_id",
    ),
    Mutant(
        name="the failure bridge settles what was refused its run",
        file="workflows/failure_bridge.py",
        text="            if not _refused(error):\n",
        mutation="            if True:\n",
        test="tests/engine/test_failure_bridge.py::test_a_workflow_that_was_refused_its_run_settles_nothing",
    ),
    Mutant(
        name="the failure bridge looks at the outermost error alone",
        file="workflows/failure_bridge.py",
        text="        cause = cause.__cause__\n",
        mutation="        cause = None\n",
        test="tests/engine/test_failure_bridge.py::test_a_workflow_that_was_refused_its_run_settles_nothing",
    ),
    Mutant(
        name="own result shown before the reconciliation's",
        file=_RELATED,
        text="related = own if reconciliation is None else",
        mutation="related = own if reconciliation is None or own else",
        test=_RELATED_TEST,
    ),
    Mutant(
        name="own result shown behind the reconciliation's",
        file=_RELATED,
        text="else reconciliation.related\n",
        mutation="else reconciliation.related or own\n",
        test=_RELATED_TEST,
    ),
    Mutant(
        name="a fence is said and not pushed",
        file=_PUSHING,
        text="self._remote.push([self._ticket_move(ticket, TicketState.OPEN, TicketState.FENCED)])",
        mutation='PushAnswer(refs={ticket: RefAnswer.ACCEPTED}, words="", heard=True)',
        test=f"{_FENCE_TEST}::test_a_push_that_waits_to_be_judged_is_fenced_for_ever",
    ),
    Mutant(
        name="a push begins beside another",
        file=_PUSHING,
        text="if any(push.ticket and push.is_unanswered for push in earlier):",
        mutation="if False:",
        test=f"{_FENCE_TEST}::test_no_push_begins_while_another_has_no_answer",
    ),
    Mutant(
        name="a broken transaction counts as refused",
        file=_ANSWER,
        text="        return RefAnswer.UNKNOWN\n    if _DENIED",
        mutation="        return RefAnswer.REFUSED\n    if _DENIED",
        test=f"{_ODD_TEST}::test_an_old_lock_of_the_branch_ends_as_not_applied",
    ),
    Mutant(
        name="a hook's words count as an answer",
        file=_ANSWER,
        text="(_UNSENT.search(words) and _DENIED.search(words))",
        mutation="_DENIED.search(words)",
        test=f"{_ODD_TEST}::test_what_a_hook_says_before_the_connection_is_lost_refuses_nothing",
    ),
    Mutant(
        name="branch and ticket are pushed without atomicity",
        file="services/repositories/remote.py",
        text='atomic = ["--atomic"] if len(updates) > 1 else []',
        mutation="atomic = list[str]()",
        test=f"{_FENCE_TEST}::test_a_push_that_waits_to_be_judged_is_fenced_for_ever",
    ),
    # The same breaches on the real servers as tests/proof/mutants.py finds by histories.
    Mutant(
        name="success is taken back",
        file="services/runs/write_result.py",
        text="    if not is_correctable(run.outcome):\n",
        mutation="    if False:\n",
        test=f"{_WRITES_TEST}::test_what_contradicts_success_is_not_written",
    ),
    Mutant(
        name="an adapter writes a run",
        file="reconcilers/restore_execute.py",
        text="        if decision.related is not None and facts.branch is not None:\n",
        mutation='        run.summary_counts = {"written": 7}\n'
        "        if decision.related is not None and facts.branch is not None:\n",
        test=f"{_READ_TEST}::test_what_the_branch_proves_of_a_restore_is_recorded_with_the_decision",
    ),
    Mutant(
        name="the same decision is written again",
        file="models/run_context.py",
        text="return (self.adapter, self.decision, self.reason_code, self.related) == (",
        mutation="return False and (self.adapter, self.decision, self.reason_code, self.related) == (",
        test=f"{_WRITES_TEST}::test_the_same_decision_again_changes_no_byte",
    ),
    Mutant(
        name="a workflow is not asked whose work it is",
        file="services/runs/proof.py",
        text="return all(getattr(run, name) == value for name, value in columns.items())",
        mutation="return bool(columns)",
        test="tests/engine/test_borrowed_ids.py::test_no_row_changes_by_a_workflow_that_is_not_its_own",
    ),
    Mutant(
        name="no index keeps two restores apart",
        file="migrations/versions/0001_tables.py",
        text='["workspace_id", "environment_id"],\n        unique=True,\n'
        "        postgresql_where=sa.text(\"status IN ('queued', 'running') AND type",
        mutation='["workspace_id", "environment_id"],\n        unique=False,\n'
        "        postgresql_where=sa.text(\"status IN ('queued', 'running') AND type",
        test="tests/runs/test_admission.py::test_concurrent_restores_with_different_plans_leave_one_active",
    ),
    Mutant(
        name="no index keeps two reviews of one fingerprint apart",
        file="migrations/versions/0001_tables.py",
        text='["workspace_id", "environment_id", "fingerprint"],\n        unique=True,',
        mutation='["workspace_id", "environment_id", "fingerprint"],\n        unique=False,',
        test="tests/reviews/test_one_review.py::test_concurrent_composes_of_one_fingerprint_share_one_review",
    ),
    Mutant(
        name="the sweep leaves a run whose workflow has closed",
        file="reconcilers/run_judgement.py",
        text="        return Judgement(action=Action.SETTLE, execution=view.execution)\n",
        mutation="        return Judgement(action=Action.LEAVE)\n",
        test="tests/reconcilers/test_engine_endings.py::test_a_terminated_compose_is_settled",
    ),
    Mutant(
        name="a push without an answer counts as over",
        file="reconcilers/restore_execute_decision.py",
        text="tickets = [push.ticket for push in self._under_way]",
        mutation="tickets = list[str | None]()",
        test=f"{_FENCE_TEST}::test_a_push_that_holds_its_locks_keeps_the_run_open",
    ),
    Mutant(
        name="times keep the time zone of their session",
        file="services/database/connection.py",
        text='    connection.adapters.register_loader("timestamptz", _UtcLoader)\n',
        mutation="",
        test=f"{_ROLE_TEST}::test_times_are_right_and_in_utc_in_any_time_zone",
    ),
    Mutant(
        name="a migration replaces a time limit that was chosen",
        file="services/database/role_settings.py",
        text="begins_with[name] == _UNLIMITED or",
        mutation="begins_with[name] != value or",
        test=f"{_ROLE_TEST}::test_it_keeps_what_was_chosen_and_corrects_the_time_zone",
    ),
    Mutant(
        name="a scope outlives its transaction",
        file="services/database/row_security.py",
        text=":role, true), set_config('operationrun.workspaces', :workspaces, true)",
        mutation=":role, true), set_config('operationrun.workspaces', :workspaces, false)",
        test="tests/house/test_sessions.py::test_nothing_is_left_in_a_session",
    ),
)

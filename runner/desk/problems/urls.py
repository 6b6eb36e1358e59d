"""Addresses of one problem, below /problems/; their names belong to the exception queue."""

from __future__ import annotations

from django.urls import path

from runner.desk.problems import acts, compare, grouping, problem_page, trial

urlpatterns = [
    path("<str:problem_id>/", problem_page.problem, name="problem"),
    path("<str:problem_id>/compare", compare.compare, name="problem-compare"),
    path("<str:problem_id>/trial", trial.trial, name="problem-trial"),
    path("<str:problem_id>/own", acts.own, name="problem-own"),
    path("<str:problem_id>/whys", acts.whys, name="problem-whys"),
    path("<str:problem_id>/causes", acts.causes, name="problem-causes"),
    path("<str:problem_id>/cause", acts.add_cause, name="problem-cause"),
    path("<str:problem_id>/root", acts.root, name="problem-root"),
    path("<str:problem_id>/action", acts.add_action, name="problem-action"),
    path("<str:problem_id>/action/<str:action_id>", acts.change_action, name="problem-action-change"),
    path("<str:problem_id>/comment", acts.comment, name="problem-comment"),
    path("<str:problem_id>/move", acts.move, name="problem-move"),
    path("<str:problem_id>/undo/<str:act_id>", acts.undo, name="problem-undo"),
    path("<str:problem_id>/trial/start", trial.start, name="problem-trial-start"),
    path("<str:problem_id>/trial/release", trial.release, name="problem-trial-release"),
    path("<str:problem_id>/trial/hold", trial.hold, name="problem-trial-hold"),
    path("<str:problem_id>/merge", grouping.merge_page, name="problem-merge"),
    path("<str:problem_id>/merge/apply", grouping.merge, name="problem-merge-apply"),
    path("<str:problem_id>/split", grouping.split_page, name="problem-split"),
    path("<str:problem_id>/split/apply", grouping.split, name="problem-split-apply"),
    path("<str:problem_id>/ungroup/<str:rule_id>", grouping.ungroup, name="problem-ungroup"),
]

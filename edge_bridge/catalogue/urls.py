from django.urls import URLPattern, path

from edge_bridge.catalogue import views

urlpatterns: list[URLPattern] = [
    path("edge/rules", views.EdgeRules.as_view(), name="edge-rules"),
    path("rules", views.RuleList.as_view(), name="rule-list"),
    path("rules/from-template", views.RulesFromTemplate.as_view(), name="rule-from-template"),
    path("rules/<uuid:rule_id>", views.RuleDetail.as_view(), name="rule-detail"),
    path("rules/<uuid:rule_id>/versions", views.RuleVersions.as_view(), name="rule-versions"),
    path("rules/<uuid:rule_id>/enable", views.RuleEnable.as_view(), name="rule-enable"),
    path("rules/<uuid:rule_id>/disable", views.RuleDisable.as_view(), name="rule-disable"),
    path("rules/<uuid:rule_id>/retire", views.RuleRetire.as_view(), name="rule-retire"),
    path("rules/<uuid:rule_id>/calls", views.RuleCalls.as_view(), name="rule-calls"),
    path("rules/<uuid:rule_id>/backtests", views.TrialList.as_view(), name="rule-trial-list"),
    path("backtests/<uuid:trial_id>", views.TrialDetail.as_view(), name="rule-trial-detail"),
    path("backtests/<uuid:trial_id>/cancel", views.TrialCancel.as_view(), name="rule-trial-cancel"),
    path("rule-templates", views.TemplateList.as_view(), name="rule-template-list"),
    path("rule-kinds", views.KindList.as_view(), name="rule-kind-list"),
    path("rules-in-use", views.RulesInUseList.as_view(), name="rules-in-use-list"),
]

from django.urls import URLPattern, path

from edge_bridge.production import views

urlpatterns: list[URLPattern] = [
    path("sites/<uuid:site_id>/production", views.SiteProduction.as_view(), name="site-production"),
    path("sites/<uuid:site_id>/production.csv", views.SiteProductionCsv.as_view(), name="site-production-csv"),
    path("sites/<uuid:site_id>/shifts", views.SiteShifts.as_view(), name="site-shifts"),
    path("sites/<uuid:site_id>/handovers", views.HandoverList.as_view(), name="handover-list"),
    path("handovers/<uuid:handover_id>", views.HandoverDetail.as_view(), name="handover-detail"),
    path("handovers/<uuid:handover_id>/sign", views.HandoverSign.as_view(), name="handover-sign"),
    path("equipment/<uuid:equipment_id>/production", views.MachineProduction.as_view(), name="machine-production"),
    path("equipment/<uuid:equipment_id>/planned-rate", views.MachineRate.as_view(), name="machine-rate"),
    path(
        "equipment/<uuid:equipment_id>/stop-corrections",
        views.StopCorrectionList.as_view(),
        name="stop-correction-list",
    ),
]

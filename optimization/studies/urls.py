from django.urls import URLPattern, path

from optimization.studies import views

urlpatterns: list[URLPattern] = [
    path("experiments", views.ExperimentList.as_view(), name="experiment-list"),
    path("experiments/kinds", views.ExperimentKinds.as_view(), name="experiment-kinds"),
    path("experiments/<uuid:experiment_id>", views.ExperimentDetail.as_view(), name="experiment-detail"),
    path("experiments/<uuid:experiment_id>/results", views.ExperimentResults.as_view(), name="experiment-results"),
    path("experiments/<uuid:experiment_id>/results.csv", views.ExperimentCsv.as_view(), name="experiment-csv"),
    path("experiments/<uuid:experiment_id>/figures", views.ExperimentFigures.as_view(), name="experiment-figures"),
    path("experiments/<uuid:experiment_id>/cancel", views.ExperimentCancel.as_view(), name="experiment-cancel"),
]

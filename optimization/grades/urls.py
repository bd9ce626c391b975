from django.urls import URLPattern, path

from optimization.grades import views

urlpatterns: list[URLPattern] = [
    path("grade-samples", views.BatchList.as_view(), name="grade-sample-list"),
    path("grade-samples/<uuid:batch_id>", views.BatchDetail.as_view(), name="grade-sample-detail"),
    path("grade-samples/<uuid:batch_id>/samples.csv", views.BatchCsv.as_view(), name="grade-sample-csv"),
    path("grade-sets", views.SetList.as_view(), name="grade-set-list"),
    path("grade-sets/<uuid:grade_set_id>", views.SetDetail.as_view(), name="grade-set-detail"),
    path("grade-sets/<uuid:grade_set_id>/evidence", views.SetEvidence.as_view(), name="grade-set-evidence"),
    path("grade-sets/<uuid:grade_set_id>/figures", views.SetFigures.as_view(), name="grade-set-figures"),
]

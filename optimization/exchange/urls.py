from django.urls import URLPattern, path

from optimization.exchange import views

urlpatterns: list[URLPattern] = [
    path("plans/workbook-template", views.WorkbookTemplate.as_view(), name="workbook-template"),
    path("plans/<uuid:plan_id>/workbook", views.PlanWorkbook.as_view(), name="plan-workbook"),
    path("plans/<uuid:plan_id>/instance.zip", views.InstanceZip.as_view(), name="plan-instance-zip"),
    path("plans/<uuid:plan_id>/plan.zip", views.PlanZip.as_view(), name="plan-zip"),
    path("plans/<uuid:plan_id>/plan.csv", views.PlanCsv.as_view(), name="plan-csv"),
]

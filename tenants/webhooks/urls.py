from django.urls import URLPattern, path

from tenants.webhooks import views

ONE = "webhooks/<uuid:webhook_id>"

urlpatterns: list[URLPattern] = [
    path("webhooks", views.WebhookList.as_view(), name="webhook-list"),
    path(ONE, views.WebhookDetail.as_view(), name="webhook-detail"),
    path(f"{ONE}/rotate", views.WebhookRotate.as_view(), name="webhook-rotate"),
    path(f"{ONE}/deliveries", views.WebhookDeliveryList.as_view(), name="webhook-delivery-list"),
    *[
        path(f"{ONE}/{step}", views.WebhookStep.as_view(step=step), name=f"webhook-{step}")
        for step in views.WebhookStep.steps
    ],
]

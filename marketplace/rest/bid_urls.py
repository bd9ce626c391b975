from django.urls import URLPattern, path

from marketplace.rest import bid_views, opening_views

TASK = "service-tasks/<uuid:task_id>"

urlpatterns: list[URLPattern] = [
    path(f"{TASK}/criteria", opening_views.Criteria.as_view(), name="service-task-criteria"),
    path(f"{TASK}/openers", opening_views.Openers.as_view(), name="service-task-openers"),
    path(f"{TASK}/open-bids", opening_views.OpenBids.as_view(), name="service-task-open-bids"),
    *[
        path(
            f"service-tasks/<uuid:task_id>/{step}",
            opening_views.OwnerStep.as_view(step=step),
            name=f"service-task-{step}",
        )
        for step in opening_views.OwnerStep.steps
    ],
    path(f"{TASK}/fail", opening_views.Fail.as_view(), name="service-task-fail"),
    path(f"{TASK}/comparison", opening_views.Comparison.as_view(), name="service-task-comparison"),
    path(f"{TASK}/bid", bid_views.PlaceBid.as_view(), name="service-task-bid"),
    path(f"{TASK}/bids", bid_views.TaskBids.as_view(), name="service-task-bid-list"),
    path(
        f"{TASK}/complaints",
        bid_views.TaskComplaints.as_view(),
        name="service-task-complaint-list",
    ),
    path("bids", bid_views.BidList.as_view(), name="bid-list"),
    path("bids/<uuid:bid_id>", bid_views.BidDetail.as_view(), name="bid-detail"),
    path("bids/<uuid:bid_id>/withdraw", bid_views.WithdrawBid.as_view(), name="bid-withdraw"),
    path("bids/<uuid:bid_id>/scores", bid_views.ScoreBid.as_view(), name="bid-scores"),
    path("bids/<uuid:bid_id>/complaints", bid_views.Complain.as_view(), name="bid-complain"),
    *[
        path(f"bids/<uuid:bid_id>/{step}", view.as_view(step=step), name=f"bid-{step}")
        for view in (bid_views.JudgeBid, bid_views.JudgeBidBecause)
        for step in view.steps
    ],
    path("complaints/<uuid:complaint_id>/decide", bid_views.DecideComplaint.as_view(), name="complaint-decide"),
]

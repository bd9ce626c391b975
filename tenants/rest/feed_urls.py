from django.urls import URLPattern, path

from tenants.rest import feed
from tenants.webhooks.urls import urlpatterns as webhooks

urlpatterns: list[URLPattern] = [
    path("feed/tickets", feed.FeedTicketList.as_view(), name="feed-ticket-list"),
    path("feed", feed.FeedPage.as_view(), name="feed-page"),
    path("feed/snapshot", feed.FeedSnapshot.as_view(), name="feed-snapshot"),
    path("feed/events", feed.FeedEventList.as_view(), name="feed-event-list"),
    *webhooks,
]

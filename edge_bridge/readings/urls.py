from django.urls import URLPattern, path

from edge_bridge.readings import views

urlpatterns: list[URLPattern] = [
    path("series", views.SeriesCatalogue.as_view(), name="series-catalogue"),
    path("series/<uuid:series_id>/trend", views.SeriesTrend.as_view(), name="series-trend"),
    path("series/<uuid:series_id>/trend.csv", views.SeriesTrendCsv.as_view(), name="series-trend-csv"),
    path("series/<uuid:series_id>/quality", views.SeriesQuality.as_view(), name="series-quality"),
    path("series/<uuid:series_id>/lineage", views.SeriesLineage.as_view(), name="series-lineage"),
    path("trends", views.TrendList.as_view(), name="trend-list"),
    path("reading-quality", views.ReadingQuality.as_view(), name="reading-quality"),
    path("reading-retention", views.ReadingRetentionDetail.as_view(), name="reading-retention"),
    path("tags", views.TagDictionary.as_view(), name="tag-dictionary"),
]

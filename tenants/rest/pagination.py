from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Keys are UUIDv7, so the key's order is the order of creation and a page costs the same wherever it is."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 500

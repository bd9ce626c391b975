"""The public door of the watch on rules of acceptance."""

from marketplace.watch.access import get_standing, shown_standing
from marketplace.watch.actions import watch_due

__all__ = ["get_standing", "shown_standing", "watch_due"]

"""plotly.js as a static file of ours: taken from the pinned package, so that no copy of it is kept here."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

PREFIX, SCRIPT = "plotly", "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Finds `plotly/plotly.min.js` and nothing else of the package."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = str(_folder() / SCRIPT)
        if path != f"{PREFIX}/{SCRIPT}":
            return []
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        storage = FileSystemStorage(location=_folder())
        storage.prefix = PREFIX
        yield SCRIPT, storage


def _folder() -> Path:
    """Without importing the package, which takes long."""
    spec = find_spec("plotly")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "package_data"

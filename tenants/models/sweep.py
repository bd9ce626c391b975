"""When each sweep was last done."""

from django.db import models


class SweepMark(models.Model):
    """One row a sweep, by the name of its task. Without it nobody would miss a sweep that is never run."""

    name = models.CharField(max_length=100, primary_key=True)
    done_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} done at {self.done_at}"

from django.db import models
from django.db.models import Q

from marketplace.models.task import ServiceTask
from marketplace.profiles.data import KIND_CHARS, MOST_PEOPLE
from tenants.api import TenantForeignKey, TenantModel
from tenants.resources.api import LEVELS


class TaskNeed(TenantModel):
    """What a task wants of people: `people_n` with a skill at `level` or above, a kind of certificate, or both.

    Skills and kinds are codes, since each organisation keeps a catalogue of its own. Written only while the task is a
    draft; read by whoever may read the task.
    """

    task = TenantForeignKey(ServiceTask, models.CASCADE, related_name="needs")
    skill = models.CharField(max_length=KIND_CHARS, blank=True)
    level = models.PositiveSmallIntegerField(default=1)
    certificate = models.CharField(max_length=KIND_CHARS, blank=True)
    people_n = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "task", "skill", "certificate"], name="task_need_once"),
            models.CheckConstraint(condition=~Q(skill="", certificate=""), name="task_need_names_something"),
            models.CheckConstraint(condition=Q(level__range=(min(LEVELS), max(LEVELS))), name="task_need_level"),
            models.CheckConstraint(condition=Q(people_n__range=(1, MOST_PEOPLE)), name="task_need_people"),
        ]

    def __str__(self) -> str:
        asked = [f"{self.skill} at level {self.level} or above" if self.skill else "", self.certificate]
        return f"{self.people_n} × {' with '.join(filter(None, asked))}"

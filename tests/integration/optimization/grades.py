"""Samples and a set of Aurora's, made by the actions themselves in an open transaction."""

from optimization.grades import actions
from optimization.models import GradeSet
from optimization.uncertainty.estimation import FitOptions
from optimization.uncertainty.mines import FitSettings
from optimization.uncertainty.samples import Sample


def fitted(name: str = "A set") -> GradeSet:
    """A set of a batch, against which a second batch was held."""
    samples = [Sample("location 1", "cut-off 0.125", 0.6 + k * 0.001, mine="mine 1") for k in range(10)]
    actions.add_samples(source="laboratory", samples=samples)
    made = actions.fit_set(name=name, settings=FitSettings(FitOptions()), asked={}, batch_ids=None)
    actions.add_samples(source="laboratory", samples=samples[:5])
    return made

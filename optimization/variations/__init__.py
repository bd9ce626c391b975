"""Named changes to an instance: what a scenario says beside its base."""

from optimization.variations.apply import vary
from optimization.variations.form import Variation, read_variations, variations_schema
from optimization.variations.words import variation_words

__all__ = ["Variation", "read_variations", "variation_words", "variations_schema", "vary"]

"""Plans in words: what they cost and why, which rules bind, why there is none, what changed between two."""

from optimization.explain.mine_test import best_worst_case_grade_frac, explain_infeasibility

__all__ = ["best_worst_case_grade_frac", "explain_infeasibility"]

from django.apps import AppConfig


class OptimizationConfig(AppConfig):
    name = "optimization"
    verbose_name = "Robust supply-chain plans"

    def ready(self) -> None:
        from optimization.queries import told_plans
        from optimization.studies.queries import told_experiments
        from tenants.api import FAMILIES, Family

        FAMILIES["plans"] = Family("view_plans", told_plans)
        FAMILIES["experiments"] = Family("view_plans", told_experiments)

"""The import contracts hold, and each was seen to break when a forbidden import is planted in a copy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cloudmining", "tenants", "edge_bridge", "optimization", "marketplace", "terminal_sim")
RANK = {"tenants": 0, "edge_bridge": 1, "optimization": 1, "marketplace": 2, "console": 3}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--config", str(folder / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


PLANTED = [
    ("tenants/roles.py", "marketplace.data", "Apps build on one another in one direction"),
    ("edge_bridge/apps.py", "optimization.data", "Apps build on one another in one direction"),
    ("terminal_sim/run.py", "tenants.data", "A terminal speaks the wire protocol"),
    ("optimization/data.py", "tenants.models", "Pure cores never reach Django"),
    ("optimization/checker.py", "pyomo", "The checker shares nothing with the solver"),
    ("marketplace/apps.py", "highspy", "Only the solver and its live programs name HiGHS"),
    ("tenants/actions.py", "tenants.rest.base", "Inside an app the writes do not know"),
    ("tenants/context.py", "tenants.models", "Who acts is known before any table"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy with all the forbidden imports: each break names the import that is to blame."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, imported, _ in PLANTED:
        with (folder / module).open("a") as file:
            file.write(f"\nimport {imported}\n")
    result = lint(folder)
    assert result.returncode == 1
    return result.stdout


def test_import_contracts_are_kept():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("module", "imported", "contract"), PLANTED)
def test_planted_import_breaks_its_contract(report, module, imported, contract):
    importer = module.removesuffix(".py").replace("/", ".")
    broken = re.split(r"\n\n\n(?=.+\n-+\n)", report.partition("Broken contracts")[2])
    said = [part for part in broken if part.lstrip("-\n").startswith(contract)]
    assert len(said) == 1 and f"{importer} -> {imported} (l." in said[0], report


def relation_faults(models: list[type]) -> list[str]:
    """Foreign keys, by string too, that point from a lower app to an upper one."""
    return [
        f"{model._meta.label}.{field.name} points up to {field.related_model._meta.label}"
        for model in models
        for field in model._meta.local_fields
        if field.is_relation and RANK.get(field.related_model._meta.app_label, 0) > RANK.get(model._meta.app_label, 0)
    ]


def test_relations_point_downwards():
    assert relation_faults(apps.get_models(include_auto_created=True)) == []


def test_planted_relation_upwards_is_named():
    from django.db import models
    from django.test.utils import isolate_apps

    with isolate_apps("tenants"):

        class Planted(models.Model):
            task = models.ForeignKey("marketplace.ServiceTask", models.CASCADE)

            class Meta:
                app_label = "tenants"

        Planted._meta.get_field("task").remote_field.model = apps.get_model("marketplace.ServiceTask")
        assert relation_faults([Planted]) == ["tenants.Planted.task points up to marketplace.ServiceTask"]

"""The permission matrix that people read is the one that is enforced."""

from pathlib import Path

from tenants.roles import CAPABILITIES, ROLES

PAGE = Path(__file__).resolve().parents[3] / "docs/roles.md"
HEADING = """# Roles

What each role allows inside its own organisation. A partner's user needs both the owner's grant and their own role.
Written from `tenants/roles.py`; `python -m tests.unit.tenants.test_roles_table` writes it anew.

"""


def page() -> str:
    lines = [f"| | {' | '.join(ROLES)} |", f"|---|{':-:|' * len(ROLES)}"]
    for capability in sorted(CAPABILITIES):
        ticks = " | ".join("✓" if capability in rights else "" for rights in ROLES.values())
        lines.append(f"| `{capability}` | {ticks} |")
    return HEADING + "\n".join(lines) + "\n"


def test_page_of_roles_is_the_matrix_that_is_enforced():
    assert PAGE.read_text() == page()


def test_only_owners_manage_members_and_every_role_sees_the_registry():
    assert [role for role, rights in ROLES.items() if "manage_members" in rights] == ["owner"]
    assert all("view_registry" in rights for rights in ROLES.values())


if __name__ == "__main__":
    PAGE.write_text(page())

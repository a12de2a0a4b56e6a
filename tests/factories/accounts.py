"""Staff for tests."""

from itertools import count

from portal.accounts import service
from portal.accounts.models import Role, Staff

PASSWORD = "correct horse battery"
_numbers = count(1)


def make_staff(*, role: Role = Role.CLERK, organ_id: int | None = None, name: str = "李测试") -> Staff:
    """Create a member of staff whose password is PASSWORD."""
    return service.create_staff(
        email=f"staff{next(_numbers)}@example.test", name=name, role=role, password=PASSWORD, organ_id=organ_id
    )

"""What only some who may see a case may do with it."""


def may_open_identity(role: str, staff_id: int, handler_id: int | None) -> bool:
    """Whether somebody may look at who sent a complaint: supervisors, and whoever handles it.

    Everybody else who may see the case works without (petition rules, article 30; market regulation measures, 33).
    """
    return role == "supervisor" or staff_id == handler_id

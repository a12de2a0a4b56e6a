"""Which network an address belongs to, and how long requests of it are counted together."""

import pytest

from portal import limits
from portal.limits import network


def test_windows_divide_the_day() -> None:
    assert all(86400 % seconds == 0 for limit in limits.LIMITS.values() for _most, seconds in limit.rates)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.77", "198.51.100.0/24"),
        ("::ffff:198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("unix:", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_network_of_an_address(address: str | None, expected: str) -> None:
    assert network(address) == expected

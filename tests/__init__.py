"""The tests of the portal and its notifiers."""

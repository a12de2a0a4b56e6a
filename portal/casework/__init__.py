"""The workbench of staff: one complaint with everything that can be done about it."""

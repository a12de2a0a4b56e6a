"""Letters that hold two matters become two cases; cases that are one matter become one."""

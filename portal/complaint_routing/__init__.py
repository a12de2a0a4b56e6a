"""Which organ a case belongs to, and why: by power, place and organ, from the register of powers."""

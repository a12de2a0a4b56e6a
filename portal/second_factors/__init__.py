"""The second factor of staff: one-time codes from a phone, and codes on paper for the day it is lost."""

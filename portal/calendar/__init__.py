"""Statutory holidays and make-up workdays; deadlines computed and explained."""

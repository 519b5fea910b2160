"""Checks: follow-up questions to a finished study."""

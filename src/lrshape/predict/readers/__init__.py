"""Readers of training runs, one file for each format."""

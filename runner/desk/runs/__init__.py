"""Runs: what ran, what runs, what will run."""

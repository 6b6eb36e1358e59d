"""The exception queue: problems and cases."""

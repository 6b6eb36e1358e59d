"""The exception queue: fingerprints, intake, and the moves of a case and a problem."""

"""One problem: its cause, what is done against it, and the proof that it is gone."""

"""The nouns, the errors, the clock, settings and the contract between worker and child: what every room may use."""

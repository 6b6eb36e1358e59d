"""What Runner costs, each time beside the raw baseline in the same run; `make bench` runs all in full size."""

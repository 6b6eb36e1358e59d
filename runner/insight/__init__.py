"""What the store says about the work as a whole: numbers of processes and their health."""

"""What bots are written with, and the child process that runs them."""

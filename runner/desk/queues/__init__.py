"""Work queues and their items."""

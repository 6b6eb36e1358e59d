"""What is remembered: models, migrations and queries."""

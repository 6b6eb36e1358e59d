"""The demo portal: a small web application with faults on demand."""

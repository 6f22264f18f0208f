"""`sge-stream doctor`: checks the machine and sources."""

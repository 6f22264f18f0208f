"""`sge-stream doctor`: checks of the machine and of sources."""

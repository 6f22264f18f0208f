"""Documentation: pictures and tables that are made by commands."""

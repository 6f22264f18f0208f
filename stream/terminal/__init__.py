"""The terminal: command line, dashboard, JSON lines, enrolment and prompts."""

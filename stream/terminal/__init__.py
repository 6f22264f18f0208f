"""The terminal: command line, live identification, enrolment, tables of people and prompts."""

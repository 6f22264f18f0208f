"""Stored gallery: people, their enrolled walks and templates, and the databases that keep them."""

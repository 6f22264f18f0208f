"""The stored gallery: people, their enrolled walks and templates, and where they are kept."""

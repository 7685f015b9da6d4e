"""The files that trainers read, derived from the session."""

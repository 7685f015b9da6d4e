"""The only room that speaks SQL: the session file."""

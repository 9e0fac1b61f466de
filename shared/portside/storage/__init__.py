"""The database: one engine for SQLite and PostgreSQL, and its migrations."""

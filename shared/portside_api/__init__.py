"""FastAPI building blocks that every app's HTTP interface shares."""

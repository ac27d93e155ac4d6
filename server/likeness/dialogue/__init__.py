"""What a character says: scripted lines, retrieval, language models."""

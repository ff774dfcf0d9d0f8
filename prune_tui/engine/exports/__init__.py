"""What a session leaves behind: a recipe and a script, written whole or not at all."""

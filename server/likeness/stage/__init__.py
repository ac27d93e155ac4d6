"""Rooms, sessions, scenes: many people and avatars on one clock."""

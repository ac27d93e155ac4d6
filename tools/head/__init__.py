"""Builds the open head (`avatars/heads/open.npz`) and the cast (`avatars/characters/*`) from code alone.

Lengths inside these modules are millimetres (x to the person's left, y up, z forward, origin midway between
the pupils); the files they write are in metres.
"""

"""What a voice does to a face: voices, streaming lip-sync, prosody."""

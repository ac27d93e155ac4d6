"""What a person's own face does: landmarks, phones, headsets to controls."""

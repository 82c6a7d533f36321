"""Weight events and attribution: who took or returned what."""

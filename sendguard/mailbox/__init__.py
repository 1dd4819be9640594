"""What mailbox adapters share: the guarded outbox's story, compositions, and the watch over a folder."""

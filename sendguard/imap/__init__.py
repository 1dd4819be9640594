"""The mailbox on its IMAP server: drafts watched, originals found, the guarded outbox. imapclient only here."""

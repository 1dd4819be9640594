"""What SendGuard keeps on this computer: ledger, list sizes, settings, accounts, secrets."""

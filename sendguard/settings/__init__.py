"""Every setting, declared once; the layers they come from."""

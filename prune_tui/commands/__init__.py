"""Commands without a screen, one file each: importing one imports no torch, calling it makes an engine here."""

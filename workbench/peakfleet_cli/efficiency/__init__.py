"""`peakfleet efficiency`: what each chip does for its money, against x86."""

"""From untrusted bytes to a committed batch."""

"""What the service notes of itself: plain numbers, kept where the work is done."""

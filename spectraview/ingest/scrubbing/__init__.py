"""What must not be stored is masked while a batch is taken in."""

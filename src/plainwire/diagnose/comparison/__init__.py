"""What failed exchanges have in common that others do not."""

"""What the validators of answers are made of: their ETags change only when the answers could."""

"""What is kept for statistics only."""

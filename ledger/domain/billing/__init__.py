"""What people vouch for and stand behind: corrections of figures, and what they say that they sent."""

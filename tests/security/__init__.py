"""What nobody may do, whatever they send, and what answers and logs never say."""

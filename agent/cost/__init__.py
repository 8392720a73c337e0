"""What things cost: of a plan, on the bill, and for nothing."""

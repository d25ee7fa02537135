"""What may be done with terminals and the places where they stand."""

"""What every chapter shares: estimates, claims, stored results, seeds, and the look of figures."""

"""What an account did and why it is suspected, in numbers and in words."""

"""What an account did and why it is suspected: in numbers, next to honest accounts, and in words."""

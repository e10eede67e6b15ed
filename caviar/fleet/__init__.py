"""The trainers, on Ray or in this process."""

"""What a study shows: which hyperparameters mattered, where it zoomed and why, whether to trust the winner.

Everything is a pandas table first, and a picture made from it. Plotly and scikit-learn come with the optional
extra `caviar[report]` and are imported when they are needed, not before.
"""

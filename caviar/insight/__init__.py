"""What a study's outcome shows: which hyperparameters mattered, where the search zoomed in, how sure the winner is.

Everything is a pandas table first and a figure made from it second. Plotly and scikit-learn come with the optional
extra `caviar[report]` and are imported only when they are used.
"""

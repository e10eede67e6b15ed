"""The trainers, on Ray.

Importing Ray in a notebook asks for ipywidgets, twice; nothing of Caviar needs them, so nobody is bothered.
"""

import logging
import warnings

logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", message="IProgress not found")

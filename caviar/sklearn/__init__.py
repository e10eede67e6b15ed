"""Caviar inside scikit-learn: the built-in network as estimators, and its search in the place of RandomizedSearchCV."""

from importlib.util import find_spec

from caviar.errors import InputError

if find_spec("sklearn") is None:
    raise InputError("caviar.sklearn needs scikit-learn; install it with: pip install 'caviar[sklearn]'")

from caviar.sklearn.network import BatchNormMLPClassifier, BatchNormMLPRegressor
from caviar.sklearn.search import CaviarSearchCV

__all__ = ["BatchNormMLPClassifier", "BatchNormMLPRegressor", "CaviarSearchCV"]

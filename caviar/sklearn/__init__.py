"""Caviar for scikit-learn: the built-in network as estimators, and a search to use instead of RandomizedSearchCV."""

from caviar._checks import import_optional

import_optional("sklearn", "caviar.sklearn", "sklearn")

from caviar.sklearn.network import BatchNormMLPClassifier, BatchNormMLPRegressor  # noqa: E402
from caviar.sklearn.search import CaviarSearchCV  # noqa: E402

__all__ = ["BatchNormMLPClassifier", "BatchNormMLPRegressor", "CaviarSearchCV"]

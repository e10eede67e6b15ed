"""The laws that searches, trainables, rules and storages obey, for people who write their own.

Each check runs an implementation through its laws and raises an AssertionError that states the first law it
breaks. The checks need no test framework; Caviar's own implementations pass them.
"""

from caviar.testing.rules import check_rule
from caviar.testing.searches import check_search
from caviar.testing.stores import check_store
from caviar.testing.trainables import check_trainable

__all__ = ["check_rule", "check_search", "check_store", "check_trainable"]

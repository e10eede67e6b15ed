"""The space of the built-in network, in the order in which practitioners tune it."""

from caviar.space.constructors import choice, loguniform, randint, reverseloguniform
from caviar.space.space import Space


def default_space() -> Space:
    """Return the built-in network's hyperparameters: the learning rate first, then the other tiers.

    Adam's beta2 = 0.999 and epsilon = 1e-8 stay constant; name them in your own space to vary them.

    >>> default_space().tiers(upto=1).dimension
    1
    """
    return Space(
        learning_rate=loguniform(1e-4, 1.0, tier=1),
        momentum=reverseloguniform(0.9, 0.999, tier=2, default=0.9),
        hidden_units=randint(50, 100, tier=2),
        batch_size=choice([32, 64, 128, 256], tier=2, default=64),
        hidden_layers=randint(1, 4, tier=3, default=2),
        lr_decay=loguniform(1e-3, 1.0, tier=3),
    )

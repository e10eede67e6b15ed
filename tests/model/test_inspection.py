"""Inspection shows what training does, and changes nothing."""

import numpy as np
import pytest

from caviar.data.loaders import load_digits
from caviar.model.training import Training

DIGITS = load_digits()
ROWS = slice(0, 50)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("batch_statistics", [True, False])
def test_inspection_shows_the_forward_pass(batch_norm, batch_statistics):
    training = Training([{"batch_norm": batch_norm, "hidden_units": 20}], [0], DIGITS, 3)
    training.epoch()
    before = training.state()
    x, y = DIGITS.val_x[ROWS], DIGITS.val_y[ROWS]
    first, second, last = training.inspect(0, x, y, batch_statistics=batch_statistics)
    assert first.pre_activation.shape == first.normalized.shape == first.activation.shape == (50, 20)
    np.testing.assert_allclose(second.activation, np.maximum(second.normalized, 0), atol=1e-5)
    bias = second.pre_activation - first.activation @ second.weight
    np.testing.assert_allclose(bias, np.broadcast_to(bias[0], bias.shape), atol=1e-4)
    assert [view.weight_gradient.shape for view in (first, second, last)] == [(64, 20), (20, 20), (20, 10)]
    if not batch_statistics:
        exponentials = np.exp(last.activation)
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(training.predict(0, x), expected, atol=1e-5)
    after = training.state()
    assert all((before[name] == after[name]).all() for name in before)

"""The normal quantiles of ranks as ONNX, which has no inverse of the normal distribution."""

import numpy as np

from caviar.data.preparation.columns import EDGE
from caviar.model.arrays import Array
from caviar.model.trained.onnx.graph import Value

# Wichura's algorithm AS 241 (1988), PPND16, to 1e-16: numerators and denominators in ascending powers
_CENTRE = np.array([
    [3.3871328727963666080e0, 1.0],
    [1.3314166789178437745e2, 4.2313330701600911252e1],
    [1.9715909503065514427e3, 6.8718700749205790830e2],
    [1.3731693765509461125e4, 5.3941960214247511077e3],
    [4.5921953931549871457e4, 2.1213794301586595867e4],
    [6.7265770927008700853e4, 3.9307895800092710610e4],
    [3.3430575583588128105e4, 2.8729085735721942674e4],
    [2.5090809287301226727e3, 5.2264952788528545610e3],
])  # fmt: skip
_TAIL = np.array([
    [1.42343711074968357734e0, 1.0],
    [4.63033784615654529590e0, 2.05319162663775882187e0],
    [5.76949722146069140550e0, 1.67638483018380384940e0],
    [3.64784832476320460504e0, 6.89767334985100004550e-1],
    [1.27045825245236838258e0, 1.48103976427480074590e-1],
    [2.41780725177450611770e-1, 1.51986665636164571966e-2],
    [2.27238449892691845833e-2, 5.47593808499534494600e-4],
    [7.74545014278341407640e-4, 1.05075007164441684324e-9],
])  # fmt: skip  # as far as 6.5 deviations


def normal_quantiles(quantiles: Array, values: Value) -> Value:
    """Return the normal quantiles of values, float64, (rows, 1), as `Quantiles.normal`."""
    lows, widths = quantiles[:-1], np.diff(quantiles)
    # of several equal quantiles the middle, but the ends of the ranks at the ends
    middle = np.where(lows == quantiles[0], 0.0, np.where(lows == quantiles[-1], 1.0, 0.5))
    level = widths == 0
    steps = (values - lows) / np.where(level, np.finfo(float).tiny, widths) + np.where(level, middle, 0.0)
    shares = steps.apply("Clip", 0.0, 1.0) @ np.full((len(widths), 1), 1 / len(widths))
    return _inverse_normal(shares.apply("Clip", EDGE, 1 - EDGE))


def _inverse_normal(shares: Value) -> Value:
    centred = shares - 0.5
    distance = abs(centred)
    centre = centred * _ratio(centred * centred * -1.0 + 0.425**2, _CENTRE)
    root = ((distance * -1.0 + 0.5).apply("Log") * -1.0).apply("Sqrt")
    tail = centred.apply("Sign") * _ratio(root - 1.6, _TAIL)
    return (distance < 0.425).apply("Where", centre, tail)


def _ratio(x: Value, coefficients: Array) -> Value:
    both = x.apply("Pow", np.arange(len(coefficients), dtype=np.float64)) @ coefficients
    return both.columns([0]) / both.columns([1])

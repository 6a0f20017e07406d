"""Numbers formatted for charts, with as many digits as the range of their axis needs."""

from __future__ import annotations

import math


def numeral(number: float, span: float = 0.0) -> str:
    """`number` as text, precise to a hundredth of `span` (0: four significant digits); empty for NaN and infinity.

    >>> numeral(0.0137), numeral(-1e6), numeral(-1e6, span=0.5), numeral(1.5e-9), numeral(2e12)
    ('0.0137', '-1,000,000', '-1,000,000.000', '1.5e-9', '2e12')
    """
    if not math.isfinite(number):
        return ""
    if abs(number) * 1000 < span or not number:
        return "0"
    size = math.floor(math.log10(abs(number)))
    last = math.floor(math.log10(span)) - 2 if span > 0 else size - 3
    if -5 <= size < 9 and last >= -9:
        text = f"{number:,.{max(0, -last)}f}"
        return text if span > 0 or "." not in text else text.rstrip("0").rstrip(".")
    mantissa, exponent = f"{number:.{min(max(0, size - last), 15)}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"

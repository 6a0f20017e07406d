from .unit_distributions import distribution as distribution
from .unit_distributions import summary as summary
from .unit_distributions import unit_values as unit_values

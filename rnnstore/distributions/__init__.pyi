from .single_unit import unit_values as unit_values
from .unit_distributions import distribution as distribution
from .unit_distributions import summary as summary

from .answers import unit_means as unit_means

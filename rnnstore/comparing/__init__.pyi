from .predictions import disagreement as disagreement
from .similarity import cluster_agreement as cluster_agreement
from .similarity import compare as compare

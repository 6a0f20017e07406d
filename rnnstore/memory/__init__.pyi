from .measuring import save as save
from .measuring import state_gradients as state_gradients
from .probes import probe as probe
from .samples import sample as sample
from .singular_values import curves as curves
from .singular_values import has_memory as has_memory
from .spectra import directions as directions
from .word_classes import class_words as class_words

from .history import training_curves as training_curves
from .history import weight_gradients as weight_gradients
from .recorded_batches import batch as batch
from .recorded_batches import batch_overview as batch_overview
from .recorded_batches import divergence as divergence
from .recorded_batches import is_recorded as is_recorded
from .recorded_batches import recorded_steps as recorded_steps

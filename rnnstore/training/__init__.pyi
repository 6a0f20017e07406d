from .recorded_batches import batch as batch
from .recorded_batches import is_recorded as is_recorded
from .recorded_batches import recorded_steps as recorded_steps

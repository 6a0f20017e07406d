from .measures import sequence_measures as sequence_measures
from .passage_tables import measures_table as measures_table
from .passages import passage as passage
from .passages import readings as readings
from .passages import response_at as response_at

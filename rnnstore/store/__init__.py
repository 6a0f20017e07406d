"""The store itself: a folder of models as Parquet files, how it is written, opened and asked."""

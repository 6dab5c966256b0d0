"""Data sets: what there is, uploads of CSV, downloads from fixed addresses, thumbnails."""

"""Sources, one file or folder each; `ingest.registry` names them."""

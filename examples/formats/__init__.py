"""Writers of the formats that sources read: plain dataclasses in, files as the real systems export them out. Same input, same bytes."""

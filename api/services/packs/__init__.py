"""Evidence packs: what is on record about some jobs, as one archive that proves itself."""

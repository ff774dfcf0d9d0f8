"""What all entries of a tensor come to, from one pass over it: moments, and how many lie where.

`moments` are exact in float64 and merge piece by piece. `patterns` counts entries by their bits: numbers of 8 and
16 bits by all of them, so that whatever is asked follows from the counts; wider ones by the first 16. What was
counted is a `distribution`, which tells quantiles and histogram. `parts` prepares a piece, `figures` puts all
together.
"""
